export default function Kit() {
  return <h1>Kit: every state on one sheet</h1>;
}
