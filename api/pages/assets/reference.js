// The search of the reference, and where the reader is. Without this script the page is whole too.

const search = document.querySelector("search");
const field = document.getElementById("search");
const found = document.getElementById("found");
const contents = document.getElementById("contents");
const operations = [...document.querySelectorAll(".operation")].map((article) => ({
  article,
  entry: document.querySelector(`[data-operation="${article.id}"]`),
  text: article.textContent.toLowerCase(),
}));
const rest = document.querySelectorAll(".introduction, #problem-list");

function narrow() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const { article, entry, text } of operations) {
    const fits = words.every((word) => text.includes(word));
    article.hidden = entry.hidden = !fits;
    count += fits ? 1 : 0;
  }
  for (const section of rest) {
    section.hidden = words.length > 0;
  }
  for (const part of document.querySelectorAll(".tag, nav li:has(> ul)")) {
    part.hidden = !part.querySelector(".operation:not([hidden]), [data-operation]:not([hidden])");
  }
  found.textContent = words.length === 0 ? "" : `${count} of ${operations.length} calls`;
}

function showWhole() {
  field.value = "";
  narrow();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.closest("input")) {
    event.preventDefault();
    field.focus();
  }
});
field.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    showWhole();
  }
});
field.addEventListener("input", narrow);

// A link to what the search has hidden shows it again.
window.addEventListener("hashchange", () => {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.closest("[hidden]")) {
    showWhole();
    target.scrollIntoView();
  }
});

const seen = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const link = document.querySelector(`nav a[href="#${target.id}"]`);
      link?.toggleAttribute("aria-current", isIntersecting);
    }
  },
  { rootMargin: "-10% 0px -80% 0px" },
);
for (const part of document.querySelectorAll(".operation, .introduction, #problem-list")) {
  seen.observe(part);
}

// On a narrow screen the contents would be all there is to see.
if (matchMedia("(max-width: 60rem)").matches) {
  contents.open = false;
}
search.hidden = false;
