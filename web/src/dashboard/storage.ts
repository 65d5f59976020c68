// What this browser keeps for its next visit. Some keep nothing; the page then works without.

export function keep(name: string, value: unknown): void {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // Full, or forbidden by the browser's owner.
  }
}

/** What was kept, if anybody can still read it. */
export function kept(name: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "null");
  } catch {
    return null;
  }
}
