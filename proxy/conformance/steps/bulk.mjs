import assert from "node:assert/strict";
import { BulkRequest, BulkResponse, Group, PatchOp, User } from "../service.mjs";

// bulk sends requests that SCIMMY composed, and has it read what comes back. A service that says it has no bulk must refuse.
export async function bulk(service) {
  const { bulk: offered } = await service.ask(200, "GET", "/ServiceProviderConfig");
  const userName = (n) => `${service.name("bulk")}-${n}@x.example`;
  const user = (n, more = {}) => {
    const address = userName(n);
    return { schemas: [User.id], userName: address, active: true, emails: [{ value: address, type: "work", primary: true }], ...more };
  };
  const post = (bulkId, path, data) => ({ method: "POST", bulkId, path, data });
  const request = (operations, failOnErrors = 0) => {
    const composed = new BulkRequest({ schemas: [BulkRequest.id], Operations: operations, failOnErrors });
    return { schemas: composed.schemas, Operations: composed.Operations, ...(failOnErrors ? { failOnErrors } : {}) };
  };
  if (!offered.supported) {
    await service.refused(501, undefined, "POST", "/Bulk", request([post("a", "/Users", user("a"))]));
    return 1;
  }
  const send = async (operations, failOnErrors) => {
    const document = await service.ask(200, "POST", "/Bulk", request(operations, failOnErrors));
    const answer = new BulkResponse(document);
    assert.deepEqual(document, { schemas: answer.schemas, Operations: answer.Operations });
    for (const { method, status, location, response } of answer.Operations) {
      assert.equal(typeof status, "string", method);
      if (status < "400") assert.ok(status === "204" || location.startsWith(service.base), `${method}: ${location}`);
      else assert.deepEqual([response.schemas, response.status], [["urn:ietf:params:scim:api:messages:2.0:Error"], status]);
    }
    return answer;
  };
  const statuses = (answer) => answer.Operations.map((o) => o.status);

  // A group whose members are made in the same request, and named before they are.
  const name = service.name("Bulk");
  const made = await send([
    post("team", "/Groups", { schemas: [Group.id], displayName: name, members: [{ value: "bulkId:ada" }, { value: "bulkId:grace" }] }),
    post("ada", "/Users", user("ada")), post("grace", "/Users", user("grace")),
  ]);
  assert.deepEqual(statuses(made), ["201", "201", "201"]);
  const ids = made.resolve();
  const group = await service.ask(200, "GET", `/Groups/${ids.get("team")}`);
  assert.deepEqual(group.members.map((m) => m.value).sort(), [ids.get("ada"), ids.get("grace")].sort());

  // Changes of all kinds.
  const changed = await send([
    { method: "PATCH", path: `/Users/${ids.get("ada")}`, data: { schemas: [PatchOp.id], Operations: [{ op: "add", path: "title", value: "Countess" }] } },
    { method: "PUT", path: `/Groups/${ids.get("team")}`, data: { schemas: [Group.id], displayName: name, members: [] } },
    { method: "DELETE", path: `/Users/${ids.get("grace")}` },
  ]);
  assert.ok(statuses(changed).every((s) => s === "200" || s === "204"), statuses(changed).join());
  assert.equal((await service.ask(200, "GET", `/Users/${ids.get("ada")}`)).title, "Countess");
  await service.refused(404, undefined, "GET", `/Users/${ids.get("grace")}`);

  // Errors stay with their operation, unless the request says how many are too many.
  const twin = user("twin");
  const mixed = await send([post("one", "/Users", twin), post("two", "/Users", twin), { method: "DELETE", path: "/Users/none" }, post("three", "/Users", user("three"))]);
  assert.deepEqual(statuses(mixed), ["201", "409", "404", "201"]);
  const late = user("late");
  const stopped = await send([post("two", "/Users", twin), post("three", "/Users", late)], 1);
  assert.deepEqual(statuses(stopped), ["409"]);
  assert.equal((await service.list(`/Users?filter=${encodeURIComponent(`userName eq "${late.userName}"`)}`)).totalResults, 0);

  // More than the service takes.
  const tooMany = await service.request("POST", "/Bulk", request(Array.from({ length: offered.maxOperations + 1 }, () => ({ method: "DELETE", path: "/Users/none" }))));
  assert.equal(tooMany.status, 413, tooMany.text);
  return 12;
}
