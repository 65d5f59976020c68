// Dock: a BBS signature over the purchase, Bulletproofs++ for its bounds, and a pseudonym as the tag.
"use strict";

const { randomBytes } = require("node:crypto");
const dock = require("@docknetwork/crypto-wasm-ts");
const { serve } = require("./protocol.cjs");

// In this order in the signature.
const [PRODUCT, DATE, PRICE, CURRENCY, SERIAL] = [0, 1, 2, 3, 4];
const PURCHASE = [123456789, 20_400, 123_456, 978];
// Bounds are taken as min <= value < max.
const DAYS = [20_135, 20_501];
const PRICES = [10_000, 500_001];
const LABEL = Buffer.from("kvitto");
const NONCE = randomBytes(32);

let signature, messages, signatureParameters, keys, rangeParameters, bases, tag;

const number = (value) => dock.BBSSignature.encodePositiveNumberForSigning(value);
const shown = () => new Map([PRODUCT, CURRENCY].map((index) => [index, messages[index]]));
const hidden = () => new Map([DATE, PRICE, SERIAL].map((index) => [index, messages[index]]));

function specification(ofSignature, ofTag, prices) {
  const { MetaStatements, Statement, Statements, WitnessEqualityMetaStatement } = dock;
  const statements = new Statements([
    ofSignature,
    Statement.boundCheckBpp(...DAYS, rangeParameters),
    Statement.boundCheckBpp(...prices, rangeParameters),
    ofTag,
  ]);
  const equalities = new MetaStatements();
  [DATE, PRICE, SERIAL].forEach((index, place) => {
    const equality = new WitnessEqualityMetaStatement();
    equality.addWitnessRef(0, index);
    equality.addWitnessRef(place + 1, 0);
    equalities.addWitnessEquality(equality);
  });
  return new dock.QuasiProofSpec(statements, equalities);
}

function passes([bytes, shownTag], prices) {
  const asked = specification(
    dock.Statement.bbsSignatureVerifier(signatureParameters, keys.publicKey, shown(), false),
    dock.Statement.attributeBoundPseudonymVerifier(shownTag, bases),
    prices,
  );
  return new dock.CompositeProof(bytes).verifyUsingQuasiProofSpec(asked, NONCE).verified;
}

serve({
  packages: ["@docknetwork/crypto-wasm-ts"],

  async setup() {
    await dock.initializeWasm();
    signatureParameters = dock.BBSSignatureParams.generate(PURCHASE.length + 1, LABEL);
    keys = dock.BBSKeypair.generate(signatureParameters);
    const serial = randomBytes(32);
    messages = [...PURCHASE.map(number), dock.BBSSignature.encodeMessageForSigning(serial)];
    signature = dock.BBSSignature.generate(messages, keys.secretKey, signatureParameters, false);
    const parameters = new dock.BoundCheckBppParams(LABEL);
    rangeParameters = parameters.decompress();
    bases = dock.PseudonymBases.generateBasesForAttributes(1, Buffer.from("warranty-1y"));
    tag = dock.AttributeBoundPseudonym.new(bases, [messages[SERIAL]]);
    return { bytes: parameters.value.length };
  },

  prove() {
    const { CompositeProof, Statement, Witness, Witnesses } = dock;
    const asked = specification(
      Statement.bbsSignatureProver(signatureParameters, shown(), false),
      Statement.attributeBoundPseudonym(tag, bases),
      PRICES,
    );
    const witnesses = new Witnesses([
      Witness.bbsSignature(signature, hidden(), false),
      Witness.boundCheckBpp(messages[DATE]),
      Witness.boundCheckBpp(messages[PRICE]),
      Witness.attributeBoundPseudonym([messages[SERIAL]]),
    ]);
    return [CompositeProof.generateUsingQuasiProofSpec(asked, witnesses, NONCE).value, tag.value];
  },

  size: ([proof, shownTag]) => proof.length + shownTag.length,

  verify: (proof) => passes(proof, PRICES),

  verifyFalse: (proof) => passes(proof, [PRICES[0], PRICES[1] - 1]),
});
