// Reads an OpenAPI document from standard input and says what is wrong with it.
import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";

const validator = new Validator();
const result = await validator.validate(JSON.parse(readFileSync(0, "utf8")));
if (!result.valid || validator.version !== "3.1") {
  console.error("version", validator.version, JSON.stringify(result.errors, null, 1));
  process.exit(1);
}
console.log("valid OpenAPI", validator.version);
