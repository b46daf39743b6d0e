// What a page is told before anybody signs in.

export interface OidcConfig {
  issuer: string;
  clientId: string;
  scopes: string;
}

/** GET /screens/config.json, the only answer that needs no token. */
export interface ScreensConfig {
  version: string;
  webSocketUrl: string;
  oidc: OidcConfig | null;
  tokenSignIn: boolean;
}
