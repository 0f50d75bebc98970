// Reads HexmileDemo.xcodeproj as Xcode would, and checks that everything that it names is there:
// node check-project.mjs MODULES, where MODULES is a folder into which npm installed @bacons/xcode.
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const { parse, build } = createRequire(join(resolve(process.argv[2]), "index.js"))("@bacons/xcode/json");
const folder = dirname(fileURLToPath(import.meta.url));
const container = join(folder, "HexmileDemo.xcodeproj");

const faults = [];
const check = (holds, fault) => holds || faults.push(fault);
const isFolder = (path) => existsSync(path) && statSync(path).isDirectory();

const project = parse(readFileSync(join(container, "project.pbxproj"), "utf8"));
const objects = project.objects;
check(Number(project.objectVersion) === 77, `objectVersion is ${project.objectVersion}`);
check(JSON.stringify(parse(build(project))) === JSON.stringify(project), "written and read again, it differs");

// Every id leads to an object, and every object is led to.
const isId = (value) => typeof value === "string" && /^[0-9A-F]{24}$/.test(value);
const idsIn = (value) => {
  if (isId(value)) return [value];
  if (Array.isArray(value)) return value.flatMap(idsIn);
  return value && typeof value === "object" ? Object.entries(value).flat().flatMap(idsIn) : [];
};
const reached = new Set();
const reach = (id, from) => {
  check(objects[id], `${from} names ${id}, which is not there`);
  if (!objects[id] || reached.has(id)) return;
  reached.add(id);
  for (const next of idsIn(objects[id])) reach(next, `${objects[id].isa} ${id}`);
};
reach(project.rootObject, "the project");
for (const id of Object.keys(objects)) check(reached.has(id), `nothing names ${objects[id].isa} ${id}`);

const all = (isa) => Object.values(objects).filter((object) => object.isa === isa);

// Files and folders.
for (const { path, sourceTree } of all("PBXFileReference")) {
  if (sourceTree === "<group>") check(existsSync(join(folder, path)), `there is no ${path}`);
}
const sources = [];
for (const group of all("PBXFileSystemSynchronizedRootGroup")) {
  const root = join(folder, group.path);
  check(isFolder(root), `there is no folder ${group.path}`);
  sources.push(...readdirSync(root).filter((name) => name.endsWith(".swift")).map((name) => join(root, name)));
  for (const set of (group.exceptions ?? []).map((id) => objects[id])) {
    for (const path of set.membershipExceptions) {
      check(existsSync(join(root, path)), `${group.path} has no ${path} to leave out`);
    }
  }
}
const mains = sources.filter((file) => /^@main$/m.test(readFileSync(file, "utf8")));
check(mains.length === 1, `${mains.length} files have @main`);

// Packages and their products.
for (const { package: id, productName } of all("XCSwiftPackageProductDependency")) {
  const path = objects[id].relativePath;
  const manifest = join(folder, path, "Package.swift");
  check(existsSync(manifest), `there is no package at ${path}`);
  const products = existsSync(manifest) ? readFileSync(manifest, "utf8") : "";
  check(products.includes(`.library(name: "${productName}"`), `${path} has no product ${productName}`);
}

// What the sources import comes from a package of the project or from Apple.
const ours = all("XCSwiftPackageProductDependency").map((product) => product.productName);
const apples = ["Foundation", "SwiftUI", "UIKit", "WebKit"];
for (const file of sources) {
  for (const [, module] of readFileSync(file, "utf8").matchAll(/^import (\w+)$/gm)) {
    check([...ours, ...apples].includes(module), `${file} imports ${module}, which the project does not link`);
  }
}

// Settings.
for (const list of all("XCConfigurationList")) {
  const names = list.buildConfigurations.map((id) => objects[id].name);
  check(names.includes(list.defaultConfigurationName), `no configuration ${list.defaultConfigurationName}`);
}
for (const { buildSettings, name } of all("XCBuildConfiguration")) {
  const plist = buildSettings.INFOPLIST_FILE;
  if (plist) check(existsSync(join(folder, plist)), `${name}: there is no ${plist}`);
  for (const key of ["ASSETCATALOG_COMPILER_APPICON_NAME", "ASSETCATALOG_COMPILER_GLOBAL_ACCENT_COLOR_NAME"]) {
    const set = buildSettings[key];
    const kind = key.includes("APPICON") ? "appiconset" : "colorset";
    if (set) check(isFolder(join(folder, `HexmileDemo/Assets.xcassets/${set}.${kind}`)), `there is no ${set}`);
  }
}

// Schemes.
const schemes = join(container, "xcshareddata/xcschemes");
for (const file of readdirSync(schemes)) {
  const scheme = readFileSync(join(schemes, file), "utf8");
  for (const [, id] of scheme.matchAll(/BlueprintIdentifier = "(\w+)"/g)) {
    check(objects[id]?.isa === "PBXNativeTarget", `${file} names the target ${id}, which is not there`);
  }
  for (const [, path] of scheme.matchAll(/ReferencedContainer = "container:([^"]+)"/g)) {
    check(isFolder(join(folder, path)), `${file} names ${path}, which is not there`);
  }
}

if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}
console.log(`HexmileDemo.xcodeproj: ${reached.size} objects, ${sources.length} sources, all there`);
