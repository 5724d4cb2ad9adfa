// Exit status 0 when the server takes writes and the crawler may log in; the first time it sees to both.
// Environment: MONGO_INITDB_ROOT_USERNAME, MONGO_INITDB_ROOT_PASSWORD_FILE, MONGO_CRAWLER_PASSWORD_FILE,
// MONGO_DATABASE, MONGO_MEMBER (host:port by which the server is known to the others).
const { readFileSync } = require("fs");
const secret = (name) => readFileSync(process.env[name], "utf8").trim();

db.getSiblingDB("admin").auth(process.env.MONGO_INITDB_ROOT_USERNAME, secret("MONGO_INITDB_ROOT_PASSWORD_FILE"));
try {
  rs.status();
} catch {
  rs.initiate({ _id: "rfi", members: [{ _id: 0, host: process.env.MONGO_MEMBER }] });
}
if (!db.hello().isWritablePrimary) {
  quit(1);
}
const archive = db.getSiblingDB(process.env.MONGO_DATABASE);
if (!archive.getUser("crawler")) {
  // dbAdmin: validators and indexes are the crawler's own to make.
  archive.createUser({ user: "crawler", pwd: secret("MONGO_CRAWLER_PASSWORD_FILE"), roles: ["readWrite", "dbAdmin"] });
}
quit(0);
