node -e 'console.log([1,2,3].map(x => x * x), process.argv.length)'
echo 'console.log("from stdin")' | node
node -p '1 + 1'
node -e 'process.exit(4)'; echo "exit $?"
node -e 'setTimeout(() => console.log("later"), 30); process.stdout.write("now\n")'
node --input-type=module -e 'import fs from "fs"; console.log(typeof fs.readFileSync)'
node -e 'throw new Error("boom")' 2>/dev/null; echo "exit $?"
