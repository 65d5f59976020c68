// The console: who is logged in, which room is shown, and what is said about it.

import { showClaims } from "./claims.js";
import { element } from "./elements.js";
import { showKeys } from "./keys.js";
import { showPolicies } from "./policies.js";
import { showSales } from "./sales.js";
import { Problem, Service } from "./service.js";
import { showWebhooks } from "./webhooks.js";

const ROOMS = [
  ["sales", "Sales", showSales],
  ["claims", "Claims", showClaims],
  ["policies", "Policies", showPolicies],
  ["webhooks", "Webhooks", showWebhooks],
  ["keys", "Keys", showKeys],
];

const main = document.getElementById("content");
const form = document.getElementById("enter");
const rooms = document.getElementById("rooms");
const leave = document.getElementById("leave");
const said = document.getElementById("said");
const wrong = document.getElementById("wrong");

let service = null;
let shown = 0; // rooms that were entered: an answer that comes after the next one is dropped

function say(text) {
  said.textContent = text;
}

function explain(error) {
  if (!(error instanceof Problem)) {
    return "The service cannot be reached.";
  }
  if (error.code === "foreign-scope") {
    return "This key's scopes do not allow that.";
  }
  return error.field === null ? error.message : `${error.field}: ${error.message}`;
}

async function enter(found) {
  // A key for something else than keys is a key too.
  await found.get("keys").catch((error) => {
    if (error.code !== "foreign-scope") {
      throw error;
    }
  });
  const merchant = await found.get(found.root);
  service = found;
  service.remember();
  document.getElementById("merchant").textContent = merchant.name;
  document.getElementById("sandbox").hidden = !service.isSandbox;
  rooms.replaceChildren(
    ...ROOMS.map(([name, title]) => element("a", { href: `#/${name}` }, title)),
  );
  rooms.hidden = leave.hidden = false;
  await show();
}

function logOut(reason) {
  Service.forget();
  service = null;
  shown += 1;
  rooms.hidden = leave.hidden = true;
  document.getElementById("merchant").textContent = "console";
  document.getElementById("sandbox").hidden = true;
  main.replaceChildren(form);
  form.reset();
  wrong.textContent = "";
  say(reason);
  document.getElementById("key").focus();
}

async function show(result = "") {
  const [name, ...rest] = location.hash.replace(/^#\//, "").split("/").map(decodeURIComponent);
  const [room, title, view] = ROOMS.find(([known]) => known === name) ?? ROOMS[0];
  const ours = (shown += 1);
  for (const link of rooms.children) {
    link.toggleAttribute("aria-current", link.hash === `#/${room}`);
  }
  say("Loading …");
  const content = await view(service, rest, { say, explain, again: show }).catch((error) => error);
  if (ours !== shown) {
    return;
  }
  if (content instanceof Problem && content.status === 401) {
    logOut("The key is not good any more.");
    return;
  }
  say(result);
  const failed = content instanceof Error;
  const problem = () => element("p", { role: "alert" }, explain(content));
  const heading = element("h1", { tabindex: "-1" }, title);
  main.replaceChildren(heading, ...(failed ? [problem()] : content));
  document.title = `${title}: Kvitto console`;
  heading.focus();
  if (failed && !(content instanceof Problem)) {
    throw content;
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  wrong.textContent = "";
  try {
    await enter(new Service(document.getElementById("key").value.trim()));
  } catch (error) {
    wrong.textContent = error.status === 401 ? "The service does not know this key." : explain(error);
  }
});
leave.addEventListener("click", () => logOut("Logged out."));
window.addEventListener("hashchange", () => {
  if (service !== null && location.hash.startsWith("#/")) {
    show();
  }
});

const remembered = Service.remembered();
if (remembered !== null) {
  enter(remembered).catch(() => logOut("Please log in again."));
} else {
  document.getElementById("key").focus();
}
