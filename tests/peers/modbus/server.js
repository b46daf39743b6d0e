// The modbus-serial server with the registers that stdin names: three lines of numbers, for the
// holding and input registers, the coils and the discrete inputs. Prints its port.
"use strict";
const fs = require("node:fs");
const net = require("node:net");
const ServerTCP = require("modbus-serial/servers/servertcp.js");

const [words, coils, inputs] = fs
  .readFileSync(0, "utf8")
  .trim()
  .split("\n")
  .map((line) => line.trim().split(/\s+/).map(Number));

const held = [...words]; // the holding registers, which can be written

const from = (values, convert) => (address, _unit, answer) => {
  if (address < values.length) answer(null, convert(values[address]));
  else answer({ modbusErrorCode: 2 });
};
const into = (values) => (address, value, _unit, answer) => {
  if (address >= values.length) return answer({ modbusErrorCode: 2 });
  values[address] = Number(value);
  return answer(null);
};
const vector = {
  getHoldingRegister: from(held, (word) => word),
  getInputRegister: from(words, (word) => word),
  getCoil: from(coils, Boolean),
  getDiscreteInput: from(inputs, Boolean),
  setRegister: into(held),
  setCoil: into(coils),
};

// The server takes no port 0, so a free one is found first.
const probe = net.createServer().listen(0, "127.0.0.1", () => {
  const { port } = probe.address();
  probe.close(() => {
    const server = new ServerTCP(vector, { host: "127.0.0.1", port, unitID: 1 });
    server.on("initialized", () => console.log(port));
    server.on("socketError", () => {});
  });
});
