// Elements from names, attributes and text. Nothing here reads text as HTML.

const SVG = "http://www.w3.org/2000/svg";

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      made.addEventListener(key, value);
    } else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(key, value === true ? "" : value);
    }
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

// A table whose cells name their columns, so that it can be read as cards on a narrow screen.
export function table(caption, columns, rows) {
  const head = element("tr", {}, columns.map((name) => element("th", { scope: "col" }, name)));
  const body = rows.map((cells) =>
    element(
      "tr",
      {},
      cells.map((cell, place) => element("td", { "data-column": columns[place] }, cell ?? "")),
    ),
  );
  return element(
    "table",
    {},
    element("caption", {}, caption),
    element("thead", {}, head),
    element("tbody", {}, body),
  );
}

export function terms(pairs) {
  return element(
    "dl",
    {},
    pairs
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
}

export function moment(text) {
  return element("time", { datetime: text }, `${text.slice(0, 10)} ${text.slice(11, 16)} UTC`);
}

export function badge(text, kind = "") {
  return element("span", { class: `badge ${kind}` }, text.replaceAll("_", " "));
}

export function short(id) {
  return element("code", { title: id }, `${id.slice(0, 8)}…`);
}

export function bar(share) {
  const picture = document.createElementNS(SVG, "svg");
  const filled = document.createElementNS(SVG, "rect");
  picture.setAttribute("class", "bar");
  picture.setAttribute("aria-hidden", "true");
  filled.setAttribute("width", `${Math.round(share * 100)}%`);
  filled.setAttribute("height", "100%");
  picture.append(filled);
  return picture;
}

let fields = 0;

export function field(label, control) {
  control.id ||= `field-${(fields += 1)}`;
  return element("p", { class: "field" }, element("label", { for: control.id }, label), control);
}

export function choice(options, chosen = null) {
  const made = options.map(([value, words]) =>
    element("option", { value, selected: value === chosen }, words),
  );
  return element("select", {}, made);
}
