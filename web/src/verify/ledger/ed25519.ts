// Ed25519 signatures: by the browser, or by @noble/curves where the browser has none. It has none
// in a page of plain http from elsewhere, and in old browsers.

const BYTES_OF_KEY = 32;
const BYTES_OF_SIGNATURE = 64;

/** Whether `signature` is by `key` over `message`. */
export async function isSigned(
  key: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (key.length !== BYTES_OF_KEY || signature.length !== BYTES_OF_SIGNATURE) {
    return false;
  }
  const native = await importedKey(key);
  if (native !== null) {
    return crypto.subtle.verify("Ed25519", native, buffer(signature), buffer(message));
  }
  const { ed25519 } = await import("@noble/curves/ed25519.js");
  return ed25519.verify(signature, message, key, { zip215: false });
}

async function importedKey(key: Uint8Array): Promise<CryptoKey | null> {
  // Absent in a page that was not loaded safely, whatever the types say.
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  try {
    return (await subtle?.importKey("raw", buffer(key), "Ed25519", false, ["verify"])) ?? null;
  } catch {
    return null;
  }
}

function buffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
