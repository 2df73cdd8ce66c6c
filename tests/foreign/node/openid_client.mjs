// Signs a visitor in with openid-client: PKCE, and the secret in the body.

import * as oauth from "openid-client";
import { serve } from "./website.mjs";

const zoom = process.env.EMULATOR_URL;
const { ZOOM_CLIENT_ID: id, ZOOM_CLIENT_SECRET: secret } = process.env;

// Zoom publishes no metadata; the emulator does where its rules say so.
const config = process.env.DISCOVER
  ? await oauth.discovery(new URL(zoom), id, secret, undefined, {
      algorithm: "oauth2",
      execute: [oauth.allowInsecureRequests],
    })
  : new oauth.Configuration(
      {
        issuer: zoom,
        authorization_endpoint: `${zoom}/oauth/authorize`,
        token_endpoint: `${zoom}/oauth/token`,
        revocation_endpoint: `${zoom}/oauth/revoke`,
      },
      id,
      secret,
    );
oauth.allowInsecureRequests(config); // the emulator speaks HTTP, on loopback

const me = (token) =>
  oauth.fetchProtectedResource(config, token, new URL(`${zoom}/v2/users/me`), "GET");
const myself = async (token) => (await (await me(token)).json()).id;

let checks;

serve({
  async begin(callback) {
    checks = {
      pkceCodeVerifier: oauth.randomPKCECodeVerifier(),
      expectedState: oauth.randomState(),
    };
    return oauth.buildAuthorizationUrl(config, {
      redirect_uri: callback,
      code_challenge: await oauth.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: "S256",
      state: checks.expectedState,
    }).href;
  },

  async finish(url) {
    const first = await oauth.authorizationCodeGrant(config, url, checks);
    const user = await myself(first.access_token);
    const second = await oauth.refreshTokenGrant(config, first.refresh_token);
    const again = await myself(second.access_token);
    await oauth.tokenRevocation(config, second.access_token);
    const revoked = await me(second.access_token).catch((error) => error);
    return { user, again, revoked: revoked.status };
  },

  explain: ({ message, error, cause }) => ({ message, code: error, why: cause.message ?? cause }),
});
