// An OPC UA server (node-opcua) with the nodes and settings of the first line of stdin, as JSON:
//   {"namespace": URI, "nodes": [{"id", "type", "value", "path", "unit"}], "folder": DIR,
//    "users": {name: password} or null, "secure": bool, "limits": {...}, "continuationPoints": N}
// Prints its port, and the path of its certificate when it is secure. Each further line is
// {"write": {id: value}}. It ends with stdin.
"use strict";
const path = require("node:path");
const readline = require("node:readline");
const { OPCUAServer } = require("node-opcua-server");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");
const { MessageSecurityMode, SecurityPolicy } = require("node-opcua-secure-channel");
const { DataType, Variant, VariantArrayType } = require("node-opcua-variant");
const { StatusCodes } = require("node-opcua-status-code");
const { makeEUInformation } = require("node-opcua-data-access");

const TYPES = {
  bool: DataType.Boolean,
  int8: DataType.SByte,
  uint8: DataType.Byte,
  int16: DataType.Int16,
  uint16: DataType.UInt16,
  int32: DataType.Int32,
  uint32: DataType.UInt32,
  int64: DataType.Int64,
  uint64: DataType.UInt64,
  float32: DataType.Float,
  float64: DataType.Double,
  text: DataType.String,
};

// Whole numbers of 64 bits come as text, which JSON does not cut.
function content(type, value) {
  if (!type.endsWith("int64")) return value;
  const bits = BigInt.asUintN(64, BigInt(value));
  return [Number(bits >> 32n), Number(bits & 0xffffffffn)];
}

function variant(type, value) {
  return new Variant({
    dataType: TYPES[type],
    arrayType: VariantArrayType.Scalar,
    value: content(type, value),
  });
}

function addNodes(server, told) {
  const space = server.engine.addressSpace;
  space.registerNamespace(told.namespace);
  const namespace = space.getNamespace(told.namespace);
  const folders = new Map([["", space.rootFolder.objects]]);
  const variables = new Map();
  for (const { id, type, value, path: names = [], unit } of told.nodes) {
    let parent = folders.get("");
    names.forEach((name, depth) => {
      const key = names.slice(0, depth + 1).join("/");
      if (!folders.has(key)) {
        const nodeId = `ns=${namespace.index};s=/${key}`;
        folders.set(key, namespace.addFolder(parent, { browseName: name, nodeId }));
      }
      parent = folders.get(key);
    });
    const options = {
      nodeId: id,
      browseName: id.split(/[.=]/).pop(),
      dataType: DataType[TYPES[type]],
    };
    const node = unit
      ? namespace.addAnalogDataItem({
          ...options,
          componentOf: parent,
          engineeringUnitsRange: { low: 0, high: 5000 },
          engineeringUnits: makeEUInformation(unit, unit, unit),
        })
      : namespace.addVariable({ ...options, organizedBy: parent });
    node.setValueFromSource(variant(type, value), StatusCodes.Good);
    variables.set(id, { node, type });
  }
  return variables;
}

async function main() {
  const lines = readline.createInterface({ input: process.stdin });
  const input = lines[Symbol.asyncIterator]();
  const told = JSON.parse((await input.next()).value);
  const pki = (name) =>
    new OPCUACertificateManager({
      rootFolder: path.join(told.folder, name),
      automaticallyAcceptUnknownCertificate: true,
      keySize: 2048,
    });
  const serverCertificateManager = pki("own");
  const userCertificateManager = pki("users");
  await serverCertificateManager.initialize();
  await userCertificateManager.initialize();
  const server = new OPCUAServer({
    host: "127.0.0.1",
    hostname: "127.0.0.1",
    port: 0,
    serverCertificateManager,
    userCertificateManager,
    securityModes: told.secure
      ? [MessageSecurityMode.SignAndEncrypt, MessageSecurityMode.Sign]
      : [MessageSecurityMode.None],
    securityPolicies: told.secure ? [SecurityPolicy.Basic256Sha256] : [SecurityPolicy.None],
    allowAnonymous: !told.users,
    userManager: { isValidUser: (name, password) => told.users?.[name] === password },
    serverCapabilities: {
      maxBrowseContinuationPoints: told.continuationPoints ?? 10,
      operationLimits: told.limits ?? {},
    },
  });
  await server.initialize();
  const variables = addNodes(server, told);
  await server.start();
  console.log(
    JSON.stringify({
      port: server.endpoints[0].port,
      certificate: server.certificateFile,
    }),
  );
  for await (const line of { [Symbol.asyncIterator]: () => input }) {
    for (const [id, value] of Object.entries(JSON.parse(line).write)) {
      const { node, type } = variables.get(id);
      node.setValueFromSource(variant(type, value), StatusCodes.Good);
    }
  }
  await server.shutdown(0);
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
