import assert from "node:assert/strict";
import { EnterpriseUser, Group, PatchOp, User, plain, syncURN, without } from "../service.mjs";

const e = EnterpriseUser.id;
const start = {
  displayName: "Ada", title: "Analyst", nickName: "A", name: { givenName: "Ada", familyName: "Lovelace" },
  phoneNumbers: [{ value: "1", type: "work" }, { value: "2", type: "home" }],
  addresses: [{ type: "work", locality: "London", country: "GB" }],
  [e]: { department: "Analysis", costCenter: "C" },
};

// Each is carried out by SCIMMY and by the service on the same user, and must give the same.
const users = {
  "add a single value": [{ op: "add", path: "userType", value: "Employee" }],
  "add over a single value": [{ op: "add", path: "title", value: "Countess" }],
  "replace a single value": [{ op: "replace", path: "title", value: "Countess" }],
  "replace what is not there": [{ op: "replace", path: "locale", value: "en" }],
  "remove a single value": [{ op: "remove", path: "nickName" }],
  "remove what is not there": [{ op: "remove", path: "locale" }],
  "an operation in another case": [{ op: "Replace", path: "title", value: "Countess" }],
  "add a sub-attribute": [{ op: "add", path: "name.middleName", value: "King" }],
  "replace a sub-attribute": [{ op: "replace", path: "name.familyName", value: "King" }],
  "remove a sub-attribute": [{ op: "remove", path: "name.givenName" }],
  "add to a complex value": [{ op: "add", path: "name", value: { middleName: "King" } }],
  "remove a complex value": [{ op: "remove", path: "name" }],
  "add entries": [{ op: "add", path: "phoneNumbers", value: [{ value: "3", type: "mobile" }, { value: "4", type: "fax" }] }],
  "add one entry as an object": [{ op: "add", path: "phoneNumbers", value: { value: "3", type: "mobile" } }],
  "replace all entries": [{ op: "replace", path: "phoneNumbers", value: [{ value: "3", type: "mobile" }] }],
  "remove all entries": [{ op: "remove", path: "phoneNumbers" }],
  "remove entries by a filter": [{ op: "remove", path: 'phoneNumbers[type eq "home"]' }],
  "remove entries by their value": [{ op: "remove", path: 'phoneNumbers[value eq "1"]' }],
  "remove the last entry by a filter": [{ op: "remove", path: 'addresses[type eq "work"]' }],
  "replace a sub-attribute of entries": [{ op: "replace", path: 'phoneNumbers[type eq "work"].value', value: "5" }],
  "add a sub-attribute of entries": [{ op: "add", path: 'addresses[type eq "work"].region', value: "L" }],
  "remove a sub-attribute of entries": [{ op: "remove", path: 'addresses[type eq "work"].country' }],
  "an attribute of an extension": [{ op: "replace", path: `${e}:department`, value: "Engines" }],
  "another attribute of an extension": [{ op: "add", path: `${e}:employeeNumber`, value: "7" }],
  "remove an attribute of an extension": [{ op: "remove", path: `${e}:costCenter` }],
  "a manager": [{ op: "add", path: `${e}:manager`, value: { value: "9" } }],
  "without a path": [{ op: "add", value: { title: "Countess", locale: "en", name: { middleName: "King" } } }],
  "replace without a path": [{ op: "replace", value: { title: "Countess", nickName: "B" } }],
  "entries without a path": [{ op: "add", value: { phoneNumbers: [{ value: "3", type: "mobile" }] } }],
  "several operations": [
    { op: "remove", path: "nickName" }, { op: "add", path: "title", value: "x" }, { op: "replace", path: "title", value: "Countess" },
    { op: "add", path: "phoneNumbers", value: [{ value: "3", type: "mobile" }] }, { op: "remove", path: 'phoneNumbers[type eq "work"]' },
  ],
  "nothing new": [{ op: "replace", path: "title", value: "Analyst" }],
  "deactivation": [{ op: "replace", path: "active", value: false }],
};

const groups = (a, b, c) => ({
  "add a member": [{ op: "add", path: "members", value: [{ value: c }] }],
  "remove a member": [{ op: "remove", path: `members[value eq "${a}"]` }],
  "remove members by a list": [{ op: "remove", path: "members", value: [{ value: b }] }],
  "one comes, one goes": [{ op: "remove", path: `members[value eq "${a}"]` }, { op: "add", path: "members", value: [{ value: c }] }],
  "all members": [{ op: "replace", path: "members", value: [{ value: b }, { value: c }] }],
  "no members": [{ op: "remove", path: "members" }],
  "a name": [{ op: "replace", path: "displayName", value: "Renamed" }],
});

// What the service decides otherwise than SCIMMY, and why. Both outcomes are held to.
const differences = {
  "equal entries are not doubled, RFC 7644 section 3.5.2.1": {
    operations: [{ op: "add", path: "phoneNumbers", value: [{ value: "1", type: "work" }] }],
    theirs: (u) => u.phoneNumbers.length === 3, ours: (u) => u.phoneNumbers.length === 2,
  },
  "at most one entry is primary, RFC 7643 section 2.4": {
    operations: [{ op: "add", path: "phoneNumbers", value: [{ value: "3", primary: true }] }, { op: "add", path: "phoneNumbers", value: [{ value: "4", primary: true }] }],
    theirs: (u) => u.phoneNumbers.filter((p) => p.primary).length === 2, ours: (u) => u.phoneNumbers.filter((p) => p.primary).length === 1,
  },
};

const kept = (resource) => without(plain(resource), syncURN, "meta", "schemas", "groups");

async function apply(Schema, resource, operations) {
  const source = new Schema({ ...without(resource, syncURN), schemas: resource.schemas.filter((s) => s !== syncURN) });
  const changed = await new PatchOp({ schemas: [PatchOp.id], Operations: structuredClone(operations) }).apply(source);
  return kept(changed ?? source);
}

// asSets leaves out what follows from the member, and the order.
const asSets = (group) => ({ ...group, members: (group.members ?? []).map((m) => m.value).sort() });

export async function patches(service) {
  let compared = 0;
  for (const [name, Operations] of Object.entries(users)) {
    const user = await service.user(start);
    const want = await apply(User, user, Operations);
    const got = await service.ask(200, "PATCH", `/Users/${user.id}`, { schemas: [PatchOp.id], Operations });
    assert.deepEqual(kept(got), want, name);
    assert.deepEqual(await service.ask(200, "GET", `/Users/${user.id}`), got, name);
    compared++;
  }
  const members = [];
  for (let i = 0; i < 3; i++) members.push((await service.user()).id);
  for (const [name, Operations] of Object.entries(groups(...members))) {
    const group = await service.group({ members: members.slice(0, 2).map((value) => ({ value })) });
    const renamed = Operations.map((o) => (o.path === "displayName" ? { ...o, value: service.name("Renamed") } : o));
    const want = await apply(Group, group, renamed);
    const got = await service.ask(200, "PATCH", `/Groups/${group.id}`, { schemas: [PatchOp.id], Operations: renamed });
    assert.deepEqual(asSets(kept(got)), asSets(want), name);
    compared++;
  }
  for (const [why, { operations: Operations, theirs, ours }] of Object.entries(differences)) {
    const user = await service.user(start);
    assert.ok(theirs(await apply(User, user, Operations)), `SCIMMY, ${why}`);
    assert.ok(ours(await service.ask(200, "PATCH", `/Users/${user.id}`, { schemas: [PatchOp.id], Operations })), why);
    compared++;
  }
  return compared;
}
