import { useTitle } from "./title.ts";

export function NotFound() {
  useTitle("Not found");
  return (
    <>
      <h1 class="vh">Not found</h1>
      <div class="empty known">
        <b>There is no such page</b>
        <span class="dim2">
          The address may have been cut off. Wells, trends and alarms are found with the search as
          well.
        </span>
        <a class="btn" href="/">
          Overview
        </a>
      </div>
    </>
  );
}
