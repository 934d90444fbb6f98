import assert from "node:assert/strict";
import SCIMMY from "scimmy";
import { EnterpriseUser, Group, User, plain } from "../service.mjs";

// What the service means otherwise than SCIMMY's own schemas do, and why.
const meant = {
  "manager.displayName": { mutability: "readWrite" }, // Okta sends it, and nothing else tells it
  "groups.$ref": { referenceTypes: ["Group"] }, // users are members of groups, groups of none
  "groups.type": { canonicalValues: ["direct"] },
  "members.$ref": { referenceTypes: ["User"] },
  "members.type": { canonicalValues: ["User"] },
};

// understood builds SCIMMY's attribute of a description, which SCIMMY checks as it goes.
function understood({ name, type, subAttributes = [], mutability, returned, ...config }) {
  return new SCIMMY.Types.Attribute(type, name, {
    required: config.required, multiValued: config.multiValued, description: config.description,
    ...("caseExact" in config ? { caseExact: config.caseExact } : {}),
    ...("uniqueness" in config ? { uniqueness: config.uniqueness } : {}),
    ...("canonicalValues" in config ? { canonicalValues: config.canonicalValues } : {}),
    ...("referenceTypes" in config ? { referenceTypes: config.referenceTypes } : {}),
    mutable: { readWrite: true, readOnly: false, writeOnly: true, immutable: "immutable" }[mutability],
    direction: { readOnly: "out", writeOnly: "in" }[mutability] ?? "both",
    returned: { default: true, never: false }[returned] ?? returned,
  }, subAttributes.map(understood));
}

function compare(path, theirs, ours) {
  assert.ok(ours, `${path} is not described`);
  let compared = 0;
  for (const name of ["type", "multiValued", "required", "mutability", "returned", "canonicalValues", "referenceTypes"]) {
    let want = { ...theirs, ...meant[path] }[name];
    let got = ours[name];
    if (name === "mutability" && path.startsWith("members.") && got === "readOnly") want = got; // follows from the user
    if (Array.isArray(want)) [want, got] = [[...want].sort(), [...(got ?? [])].sort()];
    if (name === "canonicalValues" && (want ?? []).length === 0) continue;
    if (want === undefined) continue;
    assert.deepEqual(got, want, `${path}: ${name}`);
    compared++;
  }
  for (const sub of theirs.subAttributes ?? []) {
    compared += compare(`${path}.${sub.name}`, sub, ours.subAttributes?.find((s) => s.name === sub.name));
  }
  return compared;
}

// discovery compares what the service says of itself with the schemas that SCIMMY has of the standard.
export async function discovery(service) {
  const schemas = (await service.list("/Schemas")).Resources;
  let compared = 0;
  for (const schema of schemas) {
    assert.deepEqual(await service.ask(200, "GET", `/Schemas/${schema.id}`), schema);
    for (const attribute of schema.attributes) {
      const again = plain(understood(attribute));
      for (const name of ["name", "type", "multiValued", "required", "mutability", "returned"]) {
        assert.deepEqual(again[name], attribute[name], `${schema.id}:${attribute.name}: ${name}`);
        compared++;
      }
    }
  }
  for (const known of [User, EnterpriseUser, Group]) {
    const ours = schemas.find((s) => s.id === known.id);
    for (const theirs of plain(known.definition.describe()).attributes ?? []) {
      if (!theirs.name) continue; // an extension
      compared += compare(theirs.name, theirs, ours.attributes.find((a) => a.name === theirs.name));
    }
  }
  for (const type of (await service.list("/ResourceTypes")).Resources) {
    assert.deepEqual(await service.ask(200, "GET", `/ResourceTypes/${type.id}`), type);
    for (const { schema } of [{ schema: type.schema }, ...(type.schemaExtensions ?? [])]) {
      assert.ok(schemas.some((s) => s.id === schema), `${type.id}: ${schema} is not described`);
    }
    await service.list(`${type.endpoint}?count=1`);
    compared++;
  }
  const config = await service.ask(200, "GET", "/ServiceProviderConfig");
  const understoodConfig = plain(new SCIMMY.Schemas.ServiceProviderConfig(config));
  for (const name of ["patch", "bulk", "filter", "changePassword", "sort", "etag"]) {
    assert.equal(typeof config[name].supported, "boolean", name);
    assert.equal(understoodConfig[name].supported, config[name].supported, name);
    compared++;
  }
  return compared;
}
