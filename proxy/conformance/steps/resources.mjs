import assert from "node:assert/strict";
import { EnterpriseUser, Group, User, plain, syncURN, without } from "../service.mjs";

// same checks that SCIMMY makes of a resource what it is: nothing is lost, added or of another type.
export function same(Schema, resource) {
  const ours = { ...without(resource, syncURN), schemas: resource.schemas.filter((s) => s !== syncURN) };
  const theirs = plain(new Schema(ours));
  // SCIMMY orders schemas otherwise, and knows no version.
  assert.deepEqual([...theirs.schemas].sort(), [...ours.schemas].sort());
  assert.deepEqual(without(theirs, "schemas"), without(ours, "schemas"));
  return theirs;
}

// resources follows a user and a group through everything that can be done to one.
export async function resources(service) {
  const full = {
    externalId: service.name("ext"), displayName: "Ada Lovelace", nickName: "Ada", title: "Analyst", userType: "Employee", locale: "en-GB",
    preferredLanguage: "en", timezone: "Europe/London", profileUrl: "https://x.example/ada",
    name: { formatted: "Ada Lovelace", givenName: "Ada", familyName: "Lovelace", middleName: "King", honorificPrefix: "Lady", honorificSuffix: "I" },
    phoneNumbers: [{ value: "1", type: "work", primary: true }, { value: "2", type: "mobile" }],
    ims: [{ value: "ada", type: "xmpp" }], photos: [{ value: "https://x.example/a.png", type: "photo" }],
    addresses: [{ type: "work", streetAddress: "12 St James's Square", locality: "London", region: "L", postalCode: "SW1", country: "GB", formatted: "London", primary: true }],
    entitlements: [{ value: "seat" }], x509Certificates: [{ value: "QUJD" }],
    [EnterpriseUser.id]: {
      employeeNumber: "1815", costCenter: "C", organization: "Acme", division: "Engines", department: "Analysis", manager: { value: "26118915", displayName: "Charles" },
    },
  };
  const created = await service.user(full);
  const path = `/Users/${created.id}`;
  same(User, created);
  for (const [name, value] of Object.entries(full)) assert.deepEqual(created[name], value, name);
  assert.equal(created.meta.location, service.base + path);
  assert.deepEqual(await service.ask(200, "GET", path), created);

  const { userName } = created;
  const replaced = await service.ask(200, "PUT", path, { schemas: [User.id], userName, active: true, title: "Countess", emails: created.emails });
  same(User, replaced);
  assert.equal(replaced.id, created.id);
  assert.equal(replaced.meta.created, created.meta.created);
  for (const name of Object.keys(full)) if (name !== "title") assert.ok(!(name in replaced), `${name} is still there`);

  const group = await service.group({ members: [{ value: created.id }] });
  const groupPath = `/Groups/${group.id}`;
  same(Group, group);
  assert.deepEqual(group.members.map((m) => m.value), [created.id]);
  const member = await service.ask(200, "GET", path);
  same(User, member);
  assert.deepEqual(member.groups.map((g) => [g.value, g.display]), [[group.id, group.displayName]]);
  const emptied = await service.ask(200, "PUT", groupPath, { schemas: [Group.id], displayName: group.displayName, members: [] });
  same(Group, emptied);
  assert.ok(!("members" in emptied));

  for (const [query, has, lacks] of [
    ["attributes=userName", ["id", "schemas", "userName"], ["emails", "meta", "active"]],
    ["attributes=emails.value,meta.location", ["id", "emails", "meta"], ["userName"]],
    ["excludedAttributes=emails,meta", ["id", "userName", "active"], ["emails", "meta"]],
  ]) {
    const part = await service.ask(200, "GET", `${path}?${query}`);
    for (const name of has) assert.ok(name in part, `${query}: no ${name}`);
    for (const name of lacks) assert.ok(!(name in part), `${query}: ${name}`);
  }

  for (const gone of [groupPath, path]) {
    assert.equal(await service.ask(204, "DELETE", gone), undefined);
    for (const method of ["GET", "DELETE"]) await service.refused(404, undefined, method, gone);
  }
  return 40;
}
