// subscribe.js URL VERSION CLIENT FILTER COUNT: subscribes with QoS 1 and a session that lasts,
// prints "ready", then "topic<tab>payload" of each message, and leaves after COUNT of them.
"use strict";
const mqtt = require("mqtt");

const [url, version, clientId, filter, count] = process.argv.slice(2);
const client = mqtt.connect(url, {
  protocolVersion: Number(version),
  clientId,
  clean: false,
  properties: version === "5" ? { sessionExpiryInterval: 600 } : undefined,
  reconnectPeriod: 100,
});
let left = Number(count);
client.on("error", (error) => console.error(String(error)));
client.on("connect", () => client.subscribe(filter, { qos: 1 }, () => console.log("ready")));
client.on("message", (topic, payload) => {
  console.log(`${topic}\t${payload}`);
  left -= 1;
  if (left === 0) client.end();
});
