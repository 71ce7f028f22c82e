#!/bin/sh
# Renews the GraphiQL bundle in this directory from the npm registry.
# Needs npm, tar, sed, gzip. Run it after changing a version below, then look
# at the page: a GraphiQL release may rename what start.js uses.
set -eu

GRAPHIQL=3.9.0
REACT=18.3.1

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

unpack() { # name version
    npm pack --silent "$1@$2" >/dev/null
    mkdir "$1"
    tar -xzf "$1-$2.tgz" -C "$1" --strip-components=1
}
unpack graphiql "$GRAPHIQL"
unpack react "$REACT"
unpack react-dom "$REACT"

# The stylesheet carries its fonts (Roboto, Fira Code) as base64, nine tenths
# of its size. The page does as well with the reader's own fonts.
sed -e 's/@font-face{[^}]*}//g' graphiql/graphiql.min.css >graphiql.min.css

pack() { # source, name here
    gzip -9 -n -c "$1" >"$here/$2.gz"
}
pack graphiql/graphiql.min.js graphiql.min.js
pack graphiql.min.css graphiql.min.css
pack react/umd/react.production.min.js react.production.min.js
pack react-dom/umd/react-dom.production.min.js react-dom.production.min.js

cp graphiql/LICENSE "$here/LICENSE-graphiql.txt"
cp react/LICENSE "$here/LICENSE-react.txt"

# graphiql.min.js is a bundle: collect the licence of every package in it, by
# the source map that comes with it.
npm install --silent --ignore-scripts --no-audit --no-fund --prefix deps \
    "graphiql@$GRAPHIQL" "react@$REACT" "react-dom@$REACT" graphql@16 \
    graphql-ws@5 @babel/runtime@7 @radix-ui/react-use-escape-keydown@1 >/dev/null
node "$here/licences.js" graphiql/graphiql.min.js.map deps/node_modules \
    >"$here/LICENSES-bundled.txt"
ls -l "$here"
