// An app written with Zoom's own SDK that asks for a user's token, by Rivet's install pages.
//
// Prints `ready <port>` once it listens. When an installation has given it tokens, it treats
// the access token as expired, so that Rivet refreshes it, asks Zoom who the user is, and
// prints `user <id>`.

import { HttpReceiver, UsersOAuthClient } from "@zoom/rivet/users";

// Listens before the client is made: the redirect URL holds the port.
const receiver = new HttpReceiver({ port: 0 });
const server = await receiver.start();
const { port } = server.address();

let latest;
const tokenStore = {
  getLatestToken: () => latest,
  storeToken: (token) => {
    if (latest) {
      latest = token;
    } else {
      latest = { ...token, expirationTimeIso: new Date(0).toISOString() };
      setImmediate(introduce);
    }
  },
};

const client = new UsersOAuthClient({
  clientId: process.env.ZOOM_CLIENT_ID,
  clientSecret: process.env.ZOOM_CLIENT_SECRET,
  installerOptions: {
    redirectUri: `http://127.0.0.1:${port}`,
    stateStore: "a secret that signs Rivet's states",
  },
  receiver,
  tokenStore,
});

async function introduce() {
  const { data } = await client.endpoints.users.getUser({ path: { userId: "me" } });
  console.log(`user ${data.id}`);
}

console.log(`ready ${port}`);
