import { render } from "preact";

const place = document.getElementById("page");
if (place !== null) {
  render(<h1>Kvitto</h1>, place);
}
