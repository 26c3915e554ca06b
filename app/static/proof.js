/* Whoever is told to wait in a queue may do a sum instead (app/accounts/puzzles.py says which). It is done here in short
   pieces while the page is read and typed into; then the form may be sent at once. Without this file one waits. */
(function () {
  "use strict";

  var field = document.querySelector("[data-turn]");
  var news = document.querySelector("[data-proof-news]");
  if (!field || !news) return;

  var PIECE_MS = 30;
  var parts = Number(field.dataset.parts);
  var zeros = 32 - Number(field.dataset.bits);
  var seed = field.dataset.turn.slice(0, 32);

  // The constants of SHA-256: the first 32 bits of what is behind the point in roots of the first primes.
  var K = new Int32Array(64);
  var START = new Int32Array(8);
  for (var prime = 2, found = 0; found < 64; prime++) {
    var isPrime = true;
    for (var by = 2; by * by <= prime; by++) if (prime % by === 0) isPrime = false;
    if (!isPrime) continue;
    if (found < 8) START[found] = behindPoint(Math.pow(prime, 1 / 2));
    K[found++] = behindPoint(Math.pow(prime, 1 / 3));
  }

  function behindPoint(root) {
    return ((root - Math.floor(root)) * 4294967296) | 0;
  }

  // The first 32 bits of the hash of a short text of ASCII signs: it fits one block.
  var w = new Int32Array(64);
  function firstWord(text) {
    var i, x, y;
    for (i = 0; i < 16; i++) w[i] = 0;
    for (i = 0; i < text.length; i++) w[i >> 2] |= text.charCodeAt(i) << (24 - (i & 3) * 8);
    w[i >> 2] |= 0x80 << (24 - (i & 3) * 8);
    w[15] = text.length * 8;
    for (i = 16; i < 64; i++) {
      x = w[i - 15];
      y = w[i - 2];
      w[i] = (w[i - 16] + w[i - 7] +
        ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3) +
        ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10)) | 0;
    }
    var a = START[0], b = START[1], c = START[2], d = START[3];
    var e = START[4], f = START[5], g = START[6], h = START[7];
    for (i = 0; i < 64; i++) {
      x = (h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (e & f ^ ~e & g) + K[i] + w[i]) | 0;
      y = (((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c)) | 0;
      h = g; g = f; f = e; e = (d + x) | 0;
      d = c; c = b; b = a; a = (x + y) | 0;
    }
    return (a + START[0]) | 0;
  }

  var numbers = [];
  var number = 0;
  function goOn() {
    var until = Date.now() + PIECE_MS;
    while (Date.now() < until) {
      for (var tries = 0; tries < 200; tries++, number++) {
        if (firstWord(seed + "." + numbers.length + "." + number) >>> zeros === 0) {
          numbers.push(number);
          number = -1;
          if (numbers.length === parts) return done();
        }
      }
    }
    window.setTimeout(goOn, 0);
  }

  function done() {
    field.value = numbers.join(".");
    news.textContent = news.dataset.wordsDone;
  }

  news.textContent = news.dataset.wordsWorking;
  window.setTimeout(goOn, 0);
})();
