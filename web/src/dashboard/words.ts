// The language in use, and what is said and written in it.

import { computed, effect, signal } from "@preact/signals";
import { type Format, formatOf, type Language } from "./format.ts";
import { keep, kept } from "./storage.ts";
import { en, type Texts } from "./texts/en.ts";
import { zhCN } from "./texts/zh-CN.ts";

const KEPT = "kvitto/language";

export const language = signal<Language>(chosen());
export const texts = computed<Texts>(() => (language.value === "en" ? en : zhCN));
export const format = computed<Format>(() => formatOf(language.value));

effect(() => {
  document.documentElement.lang = language.value;
});

/** Change to the other language, and remember it. */
export function changeLanguage(): void {
  language.value = language.value === "en" ? "zh-CN" : "en";
  keep(KEPT, language.value);
}

/** What a code of the protocol is called; as it stands where this page does not know it. */
export function word(known: Readonly<Record<string, string>>, code: string): string {
  return Object.hasOwn(known, code) ? (known[code] ?? code) : code.replaceAll("_", " ");
}

function chosen(): Language {
  const known = kept(KEPT);
  if (known === "en" || known === "zh-CN") {
    return known;
  }
  return navigator.language.startsWith("zh") ? "zh-CN" : "en";
}
