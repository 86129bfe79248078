// Reads From fields with one npm package: node node_packages.js <package>
// Protocol: see ../mail_readers.py. NODE_PATH names the folder of the packages.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const name = process.argv[2];

function versionOf(wanted) {
  for (const folder of process.env.NODE_PATH.split(path.delimiter)) {
    const file = path.join(folder, wanted, "package.json");
    if (fs.existsSync(file)) return JSON.parse(fs.readFileSync(file, "utf8")).version;
  }
  throw new Error(`${wanted} is not installed`);
}

// nodemailer and those who took its parser give {address} or {name, group: [...]}.
const flat = (list) => list.flatMap((item) => (item.group ? flat(item.group) : [item.address]));

const PACKAGES = {
  nodemailer: () => {
    const parse = require("nodemailer/lib/addressparser");
    return { body: { addressparser: (text) => flat(parse(text)) } };
  },
  addressparser: () => {
    const parse = require("addressparser");
    return { body: { addressparser: (text) => flat(parse(text)) } };
  },
  "email-addresses": () => {
    const { parseAddressList } = require("email-addresses");
    const read = (options) => (text) => {
      const found = parseAddressList({ input: text, ...options });
      return found === null ? [] : found.flatMap((item) => (item.addresses || [item]).map((one) => one.address));
    };
    return {
      body: {
        parseAddressList: read({}),
        "parseAddressList, rfc6532": read({ rfc6532: true }),
      },
    };
  },
  "address-rfc2822": () => {
    const { parse, parseFrom } = require("address-rfc2822");
    const members = (list) => list.flatMap((item) => (item.addresses ? members(item.addresses) : [item.address]));
    return { body: { parse: (text) => members(parse(text)), parseFrom: (text) => members(parseFrom(text)) } };
  },
  mailparser: () => {
    const { simpleParser } = require("mailparser");
    const libmime = require("libmime");
    const parse = require("nodemailer/lib/addressparser");
    const from = (mail) => (mail.from ? flat(mail.from.value) : []);
    return {
      body: { "libmime decoded, nodemailer": (text) => flat(parse(libmime.decodeWords(text))) },
      block: { simpleParser: async (block) => from(await simpleParser(block)) },
      fields: {
        simpleParser: async (block) =>
          (await simpleParser(block)).headerLines
            .filter((line) => line.key === "from")
            .map((line) => Buffer.from(line.line, "latin1").toString("utf8").replace(/^[^:]*:/, "")),
      },
    };
  },
  "postal-mime": () => {
    const { default: PostalMime, addressParser, decodeWords } = require("postal-mime");
    const from = (mail) => (mail.from ? flat([mail.from]) : []);
    return {
      body: {
        addressParser: (text) => flat(addressParser(text)),
        "decodeWords, addressParser": (text) => flat(addressParser(decodeWords(text))),
      },
      block: { parse: async (block) => from(await PostalMime.parse(block)) },
      fields: {
        parse: async (block) =>
          (await PostalMime.parse(block)).headers.filter((line) => line.key === "from").map((line) => line.value),
      },
    };
  },
};

async function tried(way, given) {
  try {
    return await way(given);
  } catch (error) {
    return String(error);
  }
}

async function answered(ways, given) {
  const answers = {};
  for (const [way, read] of Object.entries(ways || {})) answers[way] = await tried(read, given);
  return answers;
}

async function main() {
  const ways = PACKAGES[name]();
  const lines = [JSON.stringify({ version: `${name} ${versionOf(name)}, Node ${process.versions.node}` })];
  for (const line of fs.readFileSync(0, "utf8").split("\n").filter(Boolean)) {
    const { body, block } = JSON.parse(line);
    const octets = Buffer.from(body || block, "base64");
    lines.push(
      JSON.stringify(
        body === undefined
          ? { addresses: await answered(ways.block, octets), fields: await answered(ways.fields, octets) }
          : { addresses: await answered(ways.body, octets.toString("utf8").replaceAll("\r\n", "")) },
      ),
    );
  }
  process.stdout.write(lines.join("\n") + "\n");
}

main();
