import { render } from "preact";
import { App } from "./dashboard/app.tsx";
import "./dashboard/dashboard.css";

const place = document.getElementById("page");
if (place !== null) {
  render(<App />, place);
}
