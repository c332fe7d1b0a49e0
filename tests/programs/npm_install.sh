# npm: packs a package, installs it with a dependency from local tarballs, runs its tests and a script.
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT; cd "$d" || exit 1
export HOME=$d npm_config_cache=$d/cache npm_config_offline=true npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false npm_config_progress=false
mkdir dep pkg app
echo '{"name": "dep", "version": "1.0.0", "main": "i.js"}' > dep/package.json; echo 'exports.twice = n => n * 2;' > dep/i.js
echo '{"name": "pkg", "version": "2.0.0", "main": "i.js", "bin": {"pkgbin": "bin.js"}, "scripts": {"postinstall": "touch installed"}}' > pkg/package.json
echo 'const {twice} = require("dep"); exports.four = n => twice(twice(n));' > pkg/i.js; printf '#!/usr/bin/env node\nconsole.log("bin", require("./i.js").four(5));\n' > pkg/bin.js
(cd dep && npm pack --silent); (cd pkg && npm pack --silent)
cat > app/package.json <<J
{"name": "app", "version": "0.0.1", "scripts": {"test": "node --test test.js | grep -E '^. (tests|pass|fail)'", "bin": "pkgbin"},
 "dependencies": {"pkg": "file:../pkg/pkg-2.0.0.tgz", "dep": "file:../dep/dep-1.0.0.tgz"}}
J
cat > app/test.js <<'J'
const test = require('node:test'), assert = require('node:assert'), { four } = require('pkg');
test('four', () => assert.strictEqual(four(3), 12));
test('async', async () => { await new Promise(r => setTimeout(r, 10)); assert.ok(true); });
test('child', () => assert.match(require('child_process').execSync('pkgbin').toString(), /bin 20/));
J
cd app || exit 1
npm install --silent; echo "install $?"; ls node_modules; ls node_modules/pkg; npm test --silent; echo "test $?"; npm run --silent bin; npm ls | tail -n +2; npm ci --silent; echo "ci $?"; npm uninstall --silent dep; ls node_modules
