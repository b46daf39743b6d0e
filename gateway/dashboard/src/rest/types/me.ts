// Who is signed in, and what they may. Times are ISO 8601 in UTC.

export type Role = "viewer" | "operator" | "engineer" | "admin";

/** GET /api/scada/me. may: what this role may do, in words such as "acknowledge". */
export interface Me {
  asOf: string;
  subject: string;
  email: string | null;
  tenantId: string;
  role: Role;
  expiresAt: string;
  may: string[];
}
