pragma circom 2.0.0;

include "claim.circom";

component main {
    public [root, product, currency, oldest, newest, cheapest, dearest, scope, context, tags]
} = Claim(10);
