import assert from "node:assert/strict";
import SCIMMY from "scimmy";

// filters asks the service, and lets SCIMMY choose among everybody by the same filter.
export async function filters(service) {
  const mark = service.name("Filter");
  const people = [
    { title: mark, nickName: "Ada", active: true, name: { givenName: "Ada", familyName: "Lovelace" } },
    { title: mark, nickName: "Grace", active: false, name: { givenName: "Grace", familyName: "Hopper" }, phoneNumbers: [{ value: "1", type: "work" }] },
    { title: mark, active: true, name: { familyName: "Dijkstra" }, phoneNumbers: [{ value: "1", type: "home" }, { value: "2", type: "work" }] },
    { title: `${mark} II`, nickName: "Barbara", userType: "Employee", phoneNumbers: [{ value: "12", type: "mobile", primary: true }] },
  ];
  for (const person of people) await service.user(person);
  const everybody = await service.all("/Users");
  const group = await service.group({ members: [{ value: everybody[0].id }] });
  const id = everybody.at(-1).id;
  // SCIMMY's filters do not look into what is not there.
  const views = everybody.map((u) => ({ name: {}, phoneNumbers: [], ...u }));
  const chosen = [
    `title eq "${mark}"`, `title sw "${mark}"`, `title co "${mark.slice(2)}"`, `title ew "II"`, `title ne "${mark}"`, "nickName pr", "not (nickName pr)",
    `title eq "${mark}" and active eq true`, `title eq "${mark}" and active eq false`, `title eq "${mark}" and (nickName eq "Ada" or nickName eq "Grace")`,
    `title eq "${mark}" and not (nickName eq "Ada")`, `nickName eq "Ada" or nickName eq "Grace" and active eq false`, `name.familyName eq "Hopper"`,
    `name.familyName sw "D" and title eq "${mark}"`, 'phoneNumbers[type eq "work"]', 'phoneNumbers[type eq "work" and value eq "2"]', 'phoneNumbers.type eq "home"',
    'phoneNumbers[type eq "work" or type eq "mobile"]', `phoneNumbers[primary eq true]`, `id eq "${id}"`, `userType pr and title sw "${mark}"`,
    `nickName gt "B"`, `nickName ge "Grace"`, `nickName lt "B"`, `nickName le "Barbara"`,
    `meta.resourceType eq "User" and title eq "${mark}"`, `title eq "${mark}" and meta.created gt "2011-05-13T04:42:34Z"`, `emails.value ew "@x.example" and nickName pr`,
  ];
  for (const filter of chosen) {
    const want = new SCIMMY.Types.Filter(filter).match(views).map((u) => u.id);
    const got = (await service.all(`/Users?filter=${encodeURIComponent(filter)}`)).map((u) => u.id);
    assert.deepEqual(got, want, filter);
    assert.ok(got.length < everybody.length || filter.startsWith("not") || filter.includes(" ne ") || filter.includes("pr"), `${filter} chooses everybody`);
  }
  const found = await service.list(`/Groups?filter=${encodeURIComponent(`members.value eq "${everybody[0].id}" and displayName eq "${group.displayName}"`)}`);
  assert.deepEqual(found.Resources.map((g) => g.id), [group.id]);
  return chosen.length + 1;
}
