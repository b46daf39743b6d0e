// What a token says of itself. Nothing is verified here: that is the gateway's part.

export interface Claims {
  subject: string;
  email: string | null;
  tenantId: string | null;
  issuer: string | null;
  audience: string[];
  nonce: string | null;
  expiresMs: number | null;
}

/** The claims of a JWT; null when the text is none. */
export function claimsOf(token: string): Claims | null {
  const parts = token.split(".");
  if (parts.length !== 3 || parts[1] === undefined) return null;
  let said: Record<string, unknown>;
  try {
    const bytes = Uint8Array.from(atob(padded(parts[1])), (one) => one.charCodeAt(0));
    said = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch {
    return null;
  }
  if (typeof said !== "object" || said === null) return null;
  const audience = said["aud"];
  return {
    subject: text(said["sub"]) ?? "",
    email: text(said["email"]),
    tenantId: text(said["tenantId"]),
    issuer: text(said["iss"]),
    audience: Array.isArray(audience) ? audience.map(String) : audience ? [String(audience)] : [],
    nonce: text(said["nonce"]),
    expiresMs: typeof said["exp"] === "number" ? said["exp"] * 1000 : null,
  };
}

function padded(part: string): string {
  const plain = part.replaceAll("-", "+").replaceAll("_", "/");
  return plain + "=".repeat((4 - (plain.length % 4)) % 4);
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
