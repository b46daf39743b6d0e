/** Whose wells these are: on screen at all times. It comes from the sign-in, never from the address. */
export function TenantBadge({ tenant }: { tenant: string }) {
  return (
    <div class="tenant">
      <span>Tenant</span>
      <b title={tenant}>{tenant}</b>
    </div>
  );
}
