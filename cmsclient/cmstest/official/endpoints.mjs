// Takes the list of endpoints that the official client was generated from and asks the emulator for each of them.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

// Every endpoint of these types must be there.
const whole = [
  "user", "role", "site_invitation", "sso_user", "sso_group", "sso_settings", "subscription_limit", "subscription_feature",
  "job_result", "public_info",
];
// Of these types only reading is emulated.
const readOnly = { access_token: ["instances", "self"], site: ["self"] };

export async function checkEndpoints(baseUrl, apiToken) {
  const main = createRequire(import.meta.url).resolve("@datocms/cma-client");
  const root = main.slice(0, main.lastIndexOf(`${path.sep}dist${path.sep}`));
  const resources = JSON.parse(await readFile(path.join(root, "resources.json"), "utf8"));
  const asked = new Set();
  for (const { jsonApiType, endpoints } of resources) {
    const rels = whole.includes(jsonApiType) ? endpoints.map((e) => e.rel) : (readOnly[jsonApiType] ?? []);
    for (const { rel, method, urlTemplate } of endpoints) {
      if (!rels.includes(rel)) continue;
      const url = baseUrl + urlTemplate.replaceAll(/\$\{\w+\}/g, "1");
      const answer = await fetch(url, {
        method,
        headers: { accept: "application/json", "content-type": "application/json", authorization: `Bearer ${apiToken}`, "x-api-version": "3" },
      });
      const type = answer.headers.get("content-type");
      assert.match(type, /^application\/json/, `${method} ${urlTemplate} answers ${type}`);
      const body = await answer.json();
      assert.ok("data" in body, `${method} ${urlTemplate}: no data`);
      assert.ok(answer.status !== 404 || body.data[0].attributes.code === "NOT_FOUND", `${method} ${urlTemplate} is not there`);
      asked.add(jsonApiType);
    }
  }
  assert.deepEqual([...asked].sort(), [...whole, ...Object.keys(readOnly)].sort(), "types in the client's list");
}
