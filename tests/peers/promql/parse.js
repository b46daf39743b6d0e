// parse.js: reads a JSON array of PromQL expressions from stdin; prints, for each, the text from
// where it is no PromQL, or null.
"use strict";
const { parser } = require("@prometheus-io/lezer-promql");

const expressions = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const answers = expressions.map((text) => {
  let wrong = null;
  parser.parse(text).iterate({
    enter(node) {
      if (node.type.isError && wrong === null) wrong = text.slice(node.from) || "its end";
    },
  });
  return wrong;
});
console.log(JSON.stringify(answers));
