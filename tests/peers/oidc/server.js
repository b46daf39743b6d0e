// An OpenID Connect provider on a free port; its first line of output is its issuer.
// arguments: the redirect URI of the screens, and their origin.
import http from "node:http";
import Provider from "oidc-provider";

const [redirectUri, origin] = process.argv.slice(2);
const PEOPLE = {
  ann: { tenantId: "permian", role: "operator", email: "ann@permian.example" },
  nobody: { email: "nobody@permian.example" },
};

const server = http.createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "pumpjack-screens",
        token_endpoint_auth_method: "none",
        application_type: "native", // redirect URIs without TLS are for loopback only
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
      },
    ],
    cookies: { keys: ["of the tests"] },
    claims: { openid: ["sub", "tenantId", "role"], email: ["email"] },
    conformIdTokenClaims: false,
    clientBasedCORS: (ctx, asking) => asking === origin,
    pkce: { required: () => true },
    issueRefreshToken: async (ctx, client) => client.grantTypeAllowed("refresh_token"),
    findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...PEOPLE[sub] }) }),
    extraTokenClaims: (ctx, token) => PEOPLE[token.accountId],
    features: {
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx, client, asked) => asked ?? "urn:pumpjack",
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource) => ({
          scope: "wells",
          audience: resource.replace("urn:", ""),
          accessTokenFormat: resource === "urn:opaque" ? "opaque" : "jwt",
          accessTokenTTL: 600,
        }),
      },
    },
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
process.stdin.on("close", () => process.exit()).resume();
