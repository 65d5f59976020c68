// Files that the page itself makes.

/** Have the browser save a text under a name. */
export function save(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** The same with a document as JSON. */
export function saveJson(name: string, document: unknown): void {
  save(`${name}.json`, "application/json", `${JSON.stringify(document, null, 1)}\n`);
}
