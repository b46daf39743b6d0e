export default function Control() {
  return <h1>Control</h1>;
}
