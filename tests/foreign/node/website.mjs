// A web site that signs its visitor in with Zoom, whichever client it does that with: `/` sends
// her there, `/callback` takes her back and answers in JSON with what became of it.
//
// Prints `ready <port>` once it listens.

import { createServer } from "node:http";

// `begin(callback)` gives the address at Zoom; `finish(url)` takes the one that she came back to,
// and gives what to tell; `explain(error)` tells what the client says went wrong.
export function serve({ begin, finish, explain }) {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, `http://127.0.0.1:${server.address().port}`);
    if (url.pathname === "/") {
      const callback = new URL("/callback", url).href;
      response.writeHead(302, { location: await begin(callback) }).end();
      return;
    }
    const [status, told] = await finish(url).then(
      (done) => [200, done],
      (error) => [400, { error: error.constructor.name, ...explain(error) }],
    );
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(told));
  });
  server.listen(0, "127.0.0.1", () => console.log(`ready ${server.address().port}`));
}
