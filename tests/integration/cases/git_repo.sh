cd "$(mktemp -d)" || exit 1
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' HOME=$PWD GIT_CONFIG_NOSYSTEM=1
git init -q -b main repo && cd repo
git config user.email a@example.org; git config user.name A
for i in 1 2 3; do echo "content $i" > "f$i"; done
git add . && git commit -qm first
echo more >> f1; git commit -qam second
git log --format='%h %s'; git status --short; git diff HEAD~1 --stat
git checkout -qb side; echo side > s; git add s; git commit -qm side; git checkout -q main
git merge -q side -m merged; git log --oneline | wc -l; git fsck 2>&1; git gc -q; git rev-parse HEAD
