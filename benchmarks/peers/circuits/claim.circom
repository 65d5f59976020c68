pragma circom 2.0.0;

// The claim of docs/protocol.md as far as Groth16 can say it cheaply: Poseidon in the place of
// Pedersen commitments, a Merkle tree in the place of the ring.

include "bitify.circom";
include "poseidon.circom";
include "switcher.circom";

// Both differences have 32 bits, and the bounds are the verifier's: low <= value <= high.
template Within() {
    signal input value;
    signal input low;
    signal input high;
    component above = Num2Bits(32);
    component below = Num2Bits(32);
    above.in <== value - low;
    below.in <== high - value;
}

template Claim(depth) {
    // Of the statement: the verifier derives them.
    signal input root;
    signal input product;
    signal input currency;
    signal input oldest;
    signal input newest;
    signal input cheapest;
    signal input dearest;
    signal input scope;
    signal input context;
    signal input tags[2];

    // Of the purchase: only its buyer knows them.
    signal input date;
    signal input price;
    signal input serial;
    signal input secret;
    signal input siblings[depth];
    signal input right[depth];

    component days = Within();
    days.value <== date;
    days.low <== oldest;
    days.high <== newest;
    component prices = Within();
    prices.value <== price;
    prices.low <== cheapest;
    prices.high <== dearest;

    component purchase = Poseidon(6);
    purchase.inputs[0] <== product;
    purchase.inputs[1] <== date;
    purchase.inputs[2] <== price;
    purchase.inputs[3] <== currency;
    purchase.inputs[4] <== serial;
    purchase.inputs[5] <== secret;

    component sides[depth];
    component nodes[depth];
    for (var i = 0; i < depth; i++) {
        right[i] * (right[i] - 1) === 0;
        sides[i] = Switcher();
        sides[i].sel <== right[i];
        sides[i].L <== i == 0 ? purchase.out : nodes[i - 1].out;
        sides[i].R <== siblings[i];
        nodes[i] = Poseidon(2);
        nodes[i].inputs[0] <== sides[i].outL;
        nodes[i].inputs[1] <== sides[i].outR;
    }
    root === nodes[depth - 1].out;

    component spent[2];
    for (var i = 0; i < 2; i++) {
        spent[i] = Poseidon(2);
        spent[i].inputs[0] <== i == 0 ? serial : secret;
        spent[i].inputs[1] <== scope;
        tags[i] === spent[i].out;
    }

    // So that a proof is for one claim only, the compiler must not drop its number.
    signal bound <== context * context;
}
