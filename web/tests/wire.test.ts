import { expect, test } from "vitest";
import { fromHex, toHex } from "../src/verify/wire.ts";

test("hex is lower case and whole", () => {
  expect(toHex(fromHex("00ff10"))).toBe("00ff10");
  for (const bad of ["0", "FF", "0g", " 00", "0x00"]) {
    expect(() => fromHex(bad)).toThrow();
  }
});
