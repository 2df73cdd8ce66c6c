// Signs a visitor in with simple-oauth2: the secret percent-encoded in the Basic header.
//
// It leaves states to whoever uses it, and calls of the API too.

import { randomUUID } from "node:crypto";
import { AuthorizationCode } from "simple-oauth2";
import { serve } from "./website.mjs";

const zoom = process.env.EMULATOR_URL;
const client = new AuthorizationCode({
  client: { id: process.env.ZOOM_CLIENT_ID, secret: process.env.ZOOM_CLIENT_SECRET },
  auth: { tokenHost: zoom },
});

const me = ({ token }) =>
  fetch(`${zoom}/v2/users/me`, { headers: { authorization: `Bearer ${token.access_token}` } });
const myself = async (granted) => (await (await me(granted)).json()).id;

let redirectUri;

serve({
  async begin(callback) {
    redirectUri = callback;
    return client.authorizeURL({ redirect_uri: callback, state: randomUUID() });
  },

  async finish(url) {
    const code = url.searchParams.get("code");
    const first = await client.getToken({ code, redirect_uri: redirectUri });
    const user = await myself(first);
    const second = await first.refresh();
    const again = await myself(second);
    await second.revokeAll();
    const { status } = await me(second);
    return { user, again, revoked: status };
  },

  explain: ({ message, data }) => ({ message, code: data.payload.error, why: data.payload }),
});
