# git: clone over a path and over file://, branches, merge, rebase, conflicts, gc, fsck, worktrees, hooks, bundles.
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT; cd "$d" || exit 1
export HOME=$d GIT_AUTHOR_DATE='2024-01-01T00:00:00Z' GIT_COMMITTER_DATE='2024-01-01T00:00:00Z'
git config --global user.name n; git config --global user.email e@x; git config --global init.defaultBranch main; git config --global advice.detachedHead false
git init -q a; cd a || exit 1
for i in $(seq 60); do mkdir -p "dir$((i % 7))"; seq $((i * 50)) > "dir$((i % 7))/f$i"; git add -A; git commit -qm "commit $i"; done
git log --oneline | wc -l; git rev-parse HEAD
git checkout -qb side HEAD~10; echo side > side; git add side; git commit -qm side; git merge -q -m merge main; git log --oneline | head -1
git checkout -qb conflict main~1; echo x > dir4/f60; git add -A; git commit -qm conflict; git merge main 2>&1; git merge --abort; git rebase main side 2>&1 | tail -1
git gc -q --aggressive --prune=now; git count-objects -v | grep -E '^(count|packs|garbage)'; git fsck 2>&1
git clone -q . ../b; git clone -q "file://$d/a" ../c; git -C ../c log --oneline | wc -l; git clone -q --depth 3 "file://$d/a" ../s; git -C ../s log --oneline | wc -l
cd ../b || exit 1; echo more >> dir1/f1; git commit -qam more; git push -q origin HEAD:refs/heads/pushed; git -C ../a log --oneline pushed | head -1
git worktree add -q ../w main~5; git -C ../w rev-parse HEAD; git worktree list | wc -l; git stash -q 2>&1; git bundle create -q ../x.bundle --all; git bundle verify -q ../x.bundle; echo "bundle $?"
printf '#!/bin/sh\necho hook; exit 1\n' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit; git commit -q --allow-empty -m no 2>&1; echo "commit $?"
git grep -c '^7$' | wc -l; git blame -s dir1/f1 | tail -1; git archive HEAD | tar t | wc -l; git diff --stat HEAD~3 | tail -1; git status --short
