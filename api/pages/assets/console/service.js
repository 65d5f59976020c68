// The service's public interface, as one merchant. The key leaves this module in a header only.

const PLACE = "kvitto-api-key";
const KEY = /^(kv|test)_([a-z0-9-]+)_[0-9a-f]{64}$/;

export class Problem extends Error {
  constructor(status, document) {
    super(document.detail ?? "the service does not answer as it should");
    this.status = status;
    this.code = (document.type ?? "").replace("urn:kvitto:problem:", "");
    this.field = document.field ?? null;
  }
}

export class Service {
  #key;

  constructor(key) {
    const parts = KEY.exec(key);
    if (parts === null) {
      throw new Problem(401, { detail: "That is not an API key: kv_…" });
    }
    this.#key = key;
    this.isSandbox = parts[1] === "test";
    this.merchant = parts[2];
    this.root = `/v1/merchants/${parts[2]}`;
  }

  // sessionStorage: of this tab alone, gone with it, and never sent by the browser itself.
  static remembered() {
    const key = sessionStorage.getItem(PLACE);
    return key === null ? null : new Service(key);
  }

  remember() {
    sessionStorage.setItem(PLACE, this.#key);
  }

  static forget() {
    sessionStorage.removeItem(PLACE);
  }

  async get(path, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null);
    const search = new URLSearchParams(given).toString();
    return this.#ask("GET", search === "" ? path : `${path}?${search}`);
  }

  async post(path, body = null) {
    return this.#ask("POST", path, body);
  }

  // How many bytes there are to be had; null where there is nothing for this key.
  async size(path) {
    const headers = { Authorization: `Bearer ${this.#key}` };
    const options = { method: "HEAD", headers, credentials: "omit", cache: "no-store" };
    const answer = await fetch(`${this.root}/${path}`, options).catch(() => null);
    return answer?.ok ? answer.headers.get("Content-Length") : null;
  }

  async #ask(method, path, body = null) {
    const headers = { Authorization: `Bearer ${this.#key}` };
    const options = { method, headers, credentials: "omit", cache: "no-store" };
    if (body !== null) {
      headers["Content-Type"] = "application/json";
      options.body = JSON.stringify(body);
    }
    const answer = await fetch(path.startsWith("/") ? path : `${this.root}/${path}`, options);
    const text = await answer.text();
    const isJson = (answer.headers.get("Content-Type") ?? "").includes("json");
    const document = isJson ? JSON.parse(text) : text;
    if (!answer.ok) {
      throw new Problem(answer.status, isJson ? document : {});
    }
    return document;
  }
}

export async function pages(service, path, query, name, most) {
  const items = [];
  let cursor = null;
  do {
    const page = await service.get(path, { ...query, cursor });
    items.push(...page[name]);
    cursor = page.next;
  } while (cursor !== null && items.length < most);
  return { items, more: cursor !== null };
}
