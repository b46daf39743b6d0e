// publish.js URL VERSION (4 or 5): publishes each line of stdin, "topic<tab>payload", with QoS 1,
// and comes again with the same session when the broker was away. Prints how many the broker
// acknowledged.
"use strict";
const readline = require("node:readline");
const mqtt = require("mqtt");

const [url, version] = process.argv.slice(2);
const client = mqtt.connect(url, {
  protocolVersion: Number(version),
  clientId: `publisher-${process.pid}`,
  clean: false,
  properties: version === "5" ? { sessionExpiryInterval: 600 } : undefined,
  reconnectPeriod: 100,
});
client.on("error", (error) => console.error(String(error)));

// A message that was not under way yet when the connection broke is given back: publish it again.
async function publish(topic, payload) {
  for (let left = 100; ; left -= 1) {
    try {
      return await client.publishAsync(topic, payload, { qos: 1 });
    } catch (error) {
      if (left === 0 || client.disconnecting) throw error;
    }
  }
}

async function main() {
  const under_way = [];
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [topic, payload] = line.split("\t");
    under_way.push(publish(topic, payload));
  }
  await Promise.all(under_way);
  await client.endAsync();
  console.log(under_way.length);
}

main().catch((error) => {
  console.error(String(error));
  process.exit(1);
});
