// The stream of a merchant's events: each has the pages look again.

import { signal } from "@preact/signals";
import type { Merchant } from "./documents.ts";
import { place, pulse } from "./service.ts";
import { en } from "./texts/en.ts";
import { lookAgain } from "./trust.ts";

const GATHER_MS = 800; // events that come together are looked at together

/** Whether events arrive by themselves. */
export const isLive = signal(false);

/** Follow a merchant's events until the function that is returned is called. */
export function follow(merchant: Merchant): () => void {
  const source = new EventSource(place(merchant.id, "stream"));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const beat = (): void => {
    timer = undefined;
    pulse.value += 1;
    void lookAgain(merchant);
  };
  const soon = (): void => {
    timer ??= setTimeout(beat, GATHER_MS);
  };
  for (const type of Object.keys(en.codes.events)) {
    source.addEventListener(type, soon);
  }
  let wasOpen = false;
  source.addEventListener("open", () => {
    isLive.value = true;
    if (wasOpen) {
      soon(); // what could not be answered meanwhile can be now
    }
    wasOpen = true;
  });
  source.addEventListener("error", () => {
    isLive.value = false;
  });
  return () => {
    clearTimeout(timer);
    source.close();
    isLive.value = false;
  };
}
