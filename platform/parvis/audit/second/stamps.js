/* Time stamps (RFC 3161) and the certificates behind them (RFC 5280), as far as section 6 of docs/audit-format.md asks.
 *
 * Reads DER itself; signatures are checked by WebCrypto. A classic script; defines `parvisStamps`; needs `format.js` before it.
 */
"use strict";
globalThis.parvisStamps = (() => {
  const { Malformed, hex, require, same } = globalThis.parvisFormat;
  const MAX_CHAIN = 8;
  const MAX_CERTIFICATES = 16;
  const [INTEGER, BITS, OCTETS, OID, SEQUENCE, SET, GENERAL_TIME] = [2, 3, 4, 6, 0x30, 0x31, 0x18];
  const SIGNED_DATA = "2a864886f70d010702";
  const TST_INFO = "2a864886f70d0109100104";
  const CONTENT_TYPE = "2a864886f70d010903";
  const MESSAGE_DIGEST = "2a864886f70d010904";
  const SIGNING_CERTIFICATE = { "2a864886f70d010910020c": "SHA-1", "2a864886f70d010910022f": "SHA-256" };
  const DIGESTS = {
    "608648016503040201": "SHA-256", "608648016503040202": "SHA-384", "608648016503040203": "SHA-512",
  };
  const PSS = "2a864886f70d01010a";
  const SHA1 = { "2b0e03021a": "SHA-1" }; // in certificates only
  // signature algorithms that name their digest
  const SIGNERS = {
    "2a864886f70d01010b": "SHA-256", "2a864886f70d01010c": "SHA-384", "2a864886f70d01010d": "SHA-512",
    "2a8648ce3d040302": "SHA-256", "2a8648ce3d040303": "SHA-384", "2a8648ce3d040304": "SHA-512",
  };
  const OLD_SIGNERS = { "2a864886f70d010105": "SHA-1", "2a8648ce3d0401": "SHA-1" };
  const [RSA_KEY, EC_KEY, ED25519_KEY] = ["2a864886f70d010101", "2a8648ce3d0201", "2b6570"];
  const CURVES = {
    "2a8648ce3d030107": ["P-256", 32], "2b81040022": ["P-384", 48], "2b81040023": ["P-521", 66],
  };
  const [BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_USAGE] = ["551d13", "551d0f", "551d25"];
  const FOR_STAMPS_ALONE = "300a06082b06010505070308";

  /** Something that this program or browser cannot check. */
  class Unsupported extends Error {}

  const digest = async (name, data) => new Uint8Array(await crypto.subtle.digest(name, data));
  const ascii = (data) => String.fromCharCode(...data);

  /** {tag, content, whole} of each element; DER with definite lengths. */
  function readDer(data) {
    const found = [];
    for (let at = 0; at < data.length; ) {
      const start = at;
      const tag = data[at++];
      require((tag & 0x1f) !== 0x1f && at < data.length, "stamp");
      let length = data[at++];
      if (length & 0x80) {
        const count = length & 0x7f;
        length = data.subarray(at, at + count).reduce((sum, byte) => sum * 256 + byte, 0);
        require(count >= 1 && count <= 4 && length >= 0x80 && length >= 256 ** (count - 1), "stamp");
        at += count;
      }
      require(at + length <= data.length, "stamp");
      found.push({ tag, content: data.subarray(at, at + length), whole: data.subarray(start, at + length) });
      at += length;
    }
    return found;
  }
  /** The content of the element that is reached by going into the first one, tag by tag. */
  function openDer(data, ...tags) {
    for (const tag of tags) {
      const [first] = readDer(data);
      require(first?.tag === tag, "stamp");
      data = first.content;
    }
    return data;
  }
  const tagsOf = (parts, from = 0, end = parts.length) => parts.slice(from, end).map(({ tag }) => tag).join();

  /** Seconds since 1970 of a UTCTime or GeneralizedTime. */
  function readTime({ tag, content }) {
    let text = ascii(content);
    if (tag === 0x17) text = (text < "5" ? "20" : "19") + text;
    const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d{1,9})?Z$/.exec(text)?.slice(1).map(Number);
    require(parts, "stamp");
    parts[1] -= 1;
    const when = new Date(Date.UTC(...parts));
    const told = [when.getUTCFullYear(), when.getUTCMonth(), when.getUTCDate(), when.getUTCHours(), when.getUTCMinutes()];
    require([...told, when.getUTCSeconds()].join() === parts.join(), "stamp");
    return when.getTime() / 1000;
  }

  // certificates

  function readCertificate(whole) {
    try {
      return openCertificate(whole);
    } catch {
      throw new Malformed("certificate");
    }
  }
  function tryCertificate(whole) {
    try {
      return readCertificate(whole);
    } catch {
      return null;
    }
  }
  function openCertificate(whole) {
    const outer = readDer(whole);
    require(outer.length === 1 && outer[0].tag === SEQUENCE, "certificate");
    const [signed, algorithm, signature] = readDer(outer[0].content);
    const parts = readDer(signed.content);
    if (parts[0].tag === 0xa0) parts.shift();
    require(tagsOf(parts, 0, 6) === [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE].join(), "certificate");
    require(signature.tag === BITS && signature.content[0] === 0, "certificate");
    const [, inner, issuer, validity, subject, key] = parts;
    const [first, last] = readDer(validity.content).map(readTime);
    const extensions = new Map();
    for (const { content } of parts.filter(({ tag }) => tag === 0xa3).flatMap((part) => readDer(openDer(part.content, SEQUENCE)))) {
      const [name, ...rest] = readDer(content);
      require(!extensions.has(hex(name.content)), "certificate");
      extensions.set(hex(name.content), { critical: rest.length > 1 && rest[0].content[0] === 0xff, value: rest.at(-1).content });
    }
    return {
      whole, signed: signed.whole, signature: signature.content.slice(1), algorithm: same(inner.whole, algorithm.whole) ? algorithm : null,
      issuer: issuer.whole, subject: subject.whole, key: key.whole, first, last, extensions,
    };
  }
  const isValid = ({ first, last }, when) => first <= when && when <= last;
  /** Whether `issuer` may sign certificates, with `below` authorities under it, and signed this one. */
  async function isIssuer(issuer, certificate, below) {
    if (!same(issuer.subject, certificate.issuer) || !certificate.algorithm) return false;
    try {
      return mayIssue(issuer, below) && (await hasIssued(issuer, certificate));
    } catch {
      return false;
    }
  }
  function mayIssue(issuer, below) {
    const limits = issuer.extensions.get(BASIC_CONSTRAINTS);
    if (!limits) return false;
    const [authority, length] = readDer(openDer(limits.value, SEQUENCE));
    if (authority?.tag !== 1 || authority.content[0] !== 0xff) return false;
    if (length && length.content.reduce((sum, byte) => sum * 256 + byte, 0) < below) return false;
    const usage = issuer.extensions.get(KEY_USAGE);
    return !usage || ((openDer(usage.value, BITS)[1] ?? 0) & 4) !== 0;
  }
  function hasIssued(issuer, certificate) {
    const oid = hex(openDer(certificate.algorithm.content, OID));
    const name = oid === PSS ? readPss(certificate.algorithm).name : { ...SIGNERS, ...OLD_SIGNERS }[oid];
    return verifies(issuer.key, certificate.algorithm, name, certificate.signature, certificate.signed);
  }
  /** The authority of the policy above, or equal to, the signer; every certificate valid at `when`. */
  async function findRoot(signer, brought, authorities, when) {
    let [level, others] = [[signer], brought];
    for (let depth = 0; depth < MAX_CHAIN; depth++) {
      level = level.filter((one) => isValid(one, when));
      for (const [name, root] of authorities) {
        if (level.some((one) => same(one.whole, root.whole))) return name;
        if (isValid(root, when)) for (const one of level) if (await isIssuer(root, one, depth)) return name;
      }
      const above = [];
      for (const one of others) for (const below of level) {
        if (!above.includes(one) && (await isIssuer(one, below, depth))) above.push(one);
      }
      others = others.filter((one) => !above.includes(one));
      level = above;
    }
    return null;
  }

  // signatures

  /** Digest and salt length of an RSASSA-PSS algorithm (RFC 4055, 3.1). */
  function readPss(algorithm) {
    const parts = readDer(readDer(algorithm.content)[1]?.content ?? new Uint8Array());
    const find = (tag) => parts.find((part) => part.tag === tag)?.content;
    const hashed = find(0xa0), salt = find(0xa2);
    const name = hashed ? { ...DIGESTS, ...SHA1 }[hex(openDer(hashed, SEQUENCE, OID))] : "SHA-1";
    return { name, saltLength: salt ? openDer(salt, INTEGER).reduce((sum, byte) => sum * 256 + byte, 0) : 20 };
  }
  /** Whether the key signed; Unsupported for a kind of key that WebCrypto does not have. */
  async function verifies(key, algorithm, hash, signature, message) {
    const [about] = readDer(openDer(key, SEQUENCE));
    const [kind, curve] = readDer(about.content).map(({ content }) => hex(content));
    const oid = hex(openDer(algorithm.content, OID));
    let scheme, options;
    if (kind === RSA_KEY) {
      scheme = { name: oid === PSS ? "RSA-PSS" : "RSASSA-PKCS1-v1_5", hash };
      options = oid === PSS ? { ...scheme, saltLength: readPss(algorithm).saltLength } : scheme;
    } else if (kind === EC_KEY && Object.hasOwn(CURVES, curve)) {
      const [namedCurve, width] = CURVES[curve];
      [scheme, options] = [{ name: "ECDSA", namedCurve }, { name: "ECDSA", hash }];
      signature = flatten(signature, width);
    } else if (kind === ED25519_KEY) scheme = options = { name: "Ed25519" };
    else throw new Unsupported();
    if (!hash && kind !== ED25519_KEY) throw new Unsupported();
    let imported;
    try {
      imported = await crypto.subtle.importKey("spki", key, scheme, false, ["verify"]);
    } catch {
      throw new Unsupported();
    }
    return crypto.subtle.verify(options, imported, signature, message);
  }
  /** The two numbers of an ECDSA signature, side by side as WebCrypto wants them. */
  function flatten(signature, width) {
    const numbers = readDer(openDer(signature, SEQUENCE));
    require(tagsOf(numbers) === [INTEGER, INTEGER].join(), "stamp");
    const flat = new Uint8Array(2 * width);
    numbers.forEach(({ content }, at) => {
      const digits = content[0] === 0 ? content.subarray(1) : content;
      require(digits.length <= width, "stamp");
      flat.set(digits, width * (at + 1) - digits.length);
    });
    return flat;
  }

  // the token

  function readToken(data) {
    const whole = readDer(data);
    const outer = readDer(openDer(data, SEQUENCE));
    require(whole.length === 1 && tagsOf(outer) === [OID, 0xa0].join() && hex(outer[0].content) === SIGNED_DATA, "stamp");
    const parts = readDer(openDer(outer[1].content, SEQUENCE));
    require(parts.length >= 4 && tagsOf(parts, 0, 3) === [INTEGER, SET, SEQUENCE].join(), "stamp");
    const content = readDer(parts[2].content);
    require(content.length === 2 && hex(content[0].content) === TST_INFO, "stamp");
    const brought = parts.slice(3).find(({ tag }) => tag === 0xa0);
    const certificates = brought ? readDer(brought.content).filter(({ tag }) => tag === SEQUENCE) : [];
    require(certificates.length <= MAX_CERTIFICATES, "stamp");
    const signers = parts.slice(3).filter(({ tag }) => tag === SET);
    require(signers.length === 1 && readDer(signers[0].content).length === 1, "stamp");
    const info = openDer(content[1].content, OCTETS);
    return { info, certificates: certificates.map((one) => one.whole), signer: readDer(openDer(signers[0].content, SEQUENCE)), ...readInfo(info) };
  }
  function readInfo(info) {
    const parts = readDer(openDer(info, SEQUENCE));
    require(tagsOf(parts, 0, 5) === [INTEGER, OID, SEQUENCE, INTEGER, GENERAL_TIME].join(), "stamp");
    const imprint = readDer(parts[2].content);
    require(imprint.length === 2 && imprint[1].tag === OCTETS, "stamp");
    return { method: DIGESTS[hex(openDer(imprint[0].content, OID))], imprint: imprint[1].content, when: Math.floor(readTime(parts[4])) };
  }
  function readAttributes(data) {
    const found = new Map();
    for (const { content } of readDer(data)) {
      const parts = readDer(content);
      require(tagsOf(parts) === [OID, SET].join() && !found.has(hex(parts[0].content)), "stamp");
      found.set(hex(parts[0].content), parts[1].content);
    }
    return found;
  }
  /** The certificate of the signer, after checking what it signed. */
  async function checkSigner({ info, signer, certificates }) {
    const tags = signer.map(({ tag }) => tag);
    require([2, tags[1], 0x30, 0xa0, 0x30, 4].join() === tags.slice(0, 6).join(), "stamp");
    const [, , hashed, signed, algorithm, signature] = signer;
    const method = DIGESTS[hex(openDer(hashed.content, OID))];
    if (!method) throw new Unsupported();
    const attributes = readAttributes(signed.content);
    require(hex(attributes.get(CONTENT_TYPE)) === `060b${TST_INFO}`, "stamp");
    require(same(openDer(attributes.get(MESSAGE_DIGEST), OCTETS), await digest(method, info)), "stamp");
    const certificate = readCertificate(await findCertificate(attributes, certificates));
    const usage = certificate.extensions.get(EXTENDED_USAGE);
    require(usage?.critical && hex(usage.value) === FOR_STAMPS_ALONE, "stamp");
    const message = Uint8Array.from(signed.whole);
    message[0] = SET; // RFC 5652, 5.4
    const name = SIGNERS[hex(openDer(algorithm.content, OID))] ?? method;
    require(await verifies(certificate.key, algorithm, name, signature.content, message), "stamp");
    return certificate;
  }
  /** The bytes of the certificate that the signed attributes name by its digest (RFC 5816). */
  async function findCertificate(attributes, certificates) {
    const [old, now] = Object.keys(SIGNING_CERTIFICATE);
    const oid = attributes.has(now) ? now : old;
    const first = readDer(openDer(attributes.get(oid), SEQUENCE, SEQUENCE, SEQUENCE));
    const named = oid === now && first[0].tag !== OCTETS ? DIGESTS[hex(openDer(first[0].content, OID))] : SIGNING_CERTIFICATE[oid];
    if (!named) throw new Unsupported();
    const said = first.find(({ tag }) => tag === OCTETS).content;
    for (const whole of certificates) if (same(await digest(named, whole), said)) return whole;
    return require(false, "stamp");
  }

  /** {when, name}: the time of a token over exactly these bytes, and the policy's authority or null. */
  async function checkToken(data, message, authorities) {
    const token = readToken(data);
    if (!token.method) throw new Unsupported();
    require(same(await digest(token.method, message), token.imprint), "imprint");
    const signer = await checkSigner(token);
    const brought = token.certificates.map(tryCertificate).filter(Boolean); // what is unreadable counts as not there
    return { when: token.when, name: await findRoot(signer, brought, authorities, token.when) };
  }
  return { Unsupported, checkToken, readCertificate };
})();
