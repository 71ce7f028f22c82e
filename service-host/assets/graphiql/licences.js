// Prints the licence text of every package whose code a source map names.
// Usage: node licences.js bundle.js.map node_modules
'use strict';
const fs = require('fs');
const path = require('path');

const [map, modules] = process.argv.slice(2);
// Packages of GraphiQL's own repository stand beside it, not in node_modules.
const siblings = {
  'codemirror-graphql': 'codemirror-graphql',
  'graphiql-react': '@graphiql/react',
  'graphiql-toolkit': '@graphiql/toolkit',
  'graphql-language-service': 'graphql-language-service',
};

const names = new Set();
for (const source of JSON.parse(fs.readFileSync(map, 'utf8')).sources) {
  const inside = source.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)/);
  const beside = source.match(/^(?:\.\.\/)+([^/.]+)\//);
  if (inside) names.add(inside[1]);
  else if (beside && siblings[beside[1]]) names.add(siblings[beside[1]]);
}

for (const name of [...names].sort()) {
  const folder = path.join(modules, name);
  if (!fs.existsSync(folder)) {
    console.log(`== ${name}\n\n(not installed beside this release; see its page at npm)\n`);
    continue;
  }
  const { version, license } = JSON.parse(
    fs.readFileSync(path.join(folder, 'package.json'), 'utf8'),
  );
  const file = fs.readdirSync(folder).find(f => /^licen[cs]e/i.test(f));
  const text = file
    ? fs.readFileSync(path.join(folder, file), 'utf8').trim()
    : '(the package comes without a licence text)';
  console.log(`== ${name} ${version}: ${license}\n\n${text}\n`);
}
