(function () {
  'use strict';
  var byId = function (id) { return document.getElementById(id); };

  // A button above each table copies it as tab-separated text, for a spreadsheet.
  document.querySelectorAll('details.numbers table').forEach(function (table) {
    var button = document.createElement('button');
    button.type = 'button';
    button.className = 'copy';
    button.textContent = 'Copy this table';
    button.addEventListener('click', function () {
      var lines = Array.from(table.rows, function (row) {
        return Array.from(row.cells, function (cell) {
          return cell.textContent.trim().replace(/\s+/g, ' ');
        }).join('\t');
      });
      var done = function () { button.textContent = 'Copied'; };
      if (navigator.clipboard) { navigator.clipboard.writeText(lines.join('\n')).then(done, select); } else { select(); }
    });
    function select() {
      window.getSelection().selectAllChildren(table);
      button.textContent = 'Selected: copy it with the keyboard';
    }
    table.parentNode.parentNode.insertBefore(button, table.parentNode);
  });

  explore();

  function explore() {
    var box = byId('explorer');
    if (!box) { return; }
    var batches = JSON.parse(byId('explorer-data').textContent);
    var batch = byId('explorer-batch');
    var names = ['serial', 'contention', 'coherency', 'workers'];
    batches.forEach(function (entry, i) { batch.add(new Option(entry.name, i)); });
    box.hidden = false;
    names.forEach(function (name) { byId('explorer-' + name).addEventListener('input', draw); });
    batch.addEventListener('change', draw);
    draw();

    function draw() {
      var value = {};
      names.forEach(function (name) { value[name] = Number(byId('explorer-' + name).value); });
      var most = Math.pow(2, value.workers);
      document.querySelectorAll('#explorer output').forEach(function (output) {
        var name = output.htmlFor[0].replace('explorer-', '');
        output.textContent = name === 'workers' ? most : value[name];
      });
      var laws = [
        ['ideal', 'ideal', function (p) { return p; }],
        ['law', 'Amdahl', function (p) { return 1 / (value.serial + (1 - value.serial) / p); }],
        ['ceiling', 'Gustafson', function (p) { return p - value.serial * (p - 1); }],
        ['predicted', 'USL', function (p) {
          return p / (1 + value.contention * (p - 1) + value.coherency * p * (p - 1));
        }]
      ];
      chart(laws, batches[batch.value].points, most);
      read(laws, value, most);
    }

    function chart(laws, points, most) {
      var left = 50, right = 660, top = 15, bottom = 375;
      var shown = points.filter(function (point) { return point[1] <= most && point[2] > 0; });
      var low = Math.min(0.5, Math.min.apply(null, shown.map(function (point) { return point[2]; }).concat([1])));
      var x = function (p) { return left + (right - left) * Math.log(p) / Math.log(most); };
      var y = function (s) {
        var share = (Math.log(s) - Math.log(low)) / (Math.log(most) - Math.log(low));
        return bottom - (bottom - top) * Math.min(1, Math.max(0, share));
      };
      var svg = byId('explorer-chart');
      while (svg.lastChild.nodeName !== 'title') { svg.removeChild(svg.lastChild); }
      function add(name, attributes, text) {
        var element = document.createElementNS('http://www.w3.org/2000/svg', name);
        Object.keys(attributes).forEach(function (key) { element.setAttribute(key, attributes[key]); });
        if (text !== undefined) { element.textContent = text; }
        svg.appendChild(element);
        return element;
      }
      for (var p = 1; p <= most; p *= 2) {
        add('line', { x1: x(p), x2: x(p), y1: top, y2: bottom, 'class': 's-grid' });
        add('text', { x: x(p), y: bottom + 18, 'class': 'f-soft', 'font-size': 12, 'text-anchor': 'middle' }, p);
        add('line', { x1: left, x2: right, y1: y(p), y2: y(p), 'class': 's-grid' });
        add('text', { x: left - 8, y: y(p) + 4, 'class': 'f-soft', 'font-size': 12, 'text-anchor': 'end' }, p);
      }
      add('text', { x: (left + right) / 2, y: bottom + 38, 'class': 'f-soft', 'font-size': 12, 'text-anchor': 'middle' }, 'workers');
      add('text', { x: 14, y: (top + bottom) / 2, 'class': 'f-soft', 'font-size': 12, 'text-anchor': 'middle', transform: 'rotate(-90 14 ' + (top + bottom) / 2 + ')' }, 'speedup');
      var ends = [];
      laws.forEach(function (law) {
        var line = [];
        for (var i = 0; i <= 80; i++) {
          var p = Math.pow(most, i / 80);
          line.push(x(p).toFixed(1) + ',' + y(law[2](p)).toFixed(1));
        }
        add('polyline', { points: line.join(' '), fill: 'none', 'stroke-width': 2, 'class': 's-' + law[0] });
        ends.push([y(law[2](most)), law[1]]);
      });
      // The names stand at the ends of the curves, and do not overlap.
      ends.sort(function (a, b) { return a[0] - b[0]; });
      ends.reduce(function (above, end) {
        var at = Math.max(end[0], above + 15);
        add('text', { x: right + 8, y: at + 4, 'class': 'f-text', 'font-size': 13 }, end[1]);
        return at;
      }, -100);
      shown.forEach(function (point) {
        var dot = add('circle', { cx: x(point[1]), cy: y(point[2]), r: 4, 'class': 'f-measured' });
        var title = document.createElementNS('http://www.w3.org/2000/svg', 'title');
        title.textContent = point[0] + ', ' + point[1] + ' workers: ' + point[2] + 'x';
        dot.appendChild(title);
      });
    }

    function read(laws, value, most) {
      var number = function (x) { return x >= 100 ? x.toFixed(0) : x.toPrecision(3); };
      var parts = laws.slice(1).map(function (law) { return law[1] + ' gives ' + number(law[2](most)) + 'x'; });
      var text = 'With ' + most + ' workers, ' + parts.join(', ') + '.';
      if (value.serial > 0) { text += ' By Amdahl\u2019s law no number of workers gives more than ' + number(1 / value.serial) + 'x.'; }
      if (value.coherency > 0) {
        var peak = Math.sqrt(Math.max(1, (1 - value.contention) / value.coherency));
        text += ' By the USL the speedup is highest with ' + peak.toFixed(0) + ' workers.';
      }
      byId('explorer-reading').textContent = text;
    }
  }
})();
