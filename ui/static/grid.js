// A table of one server-side page: plain rows in, words shown as they are; a sort, a row, a button or a page out.
export default {
  template: `
    <div class="c-grid-box" :aria-busy="busy ? 'true' : 'false'">
      <div class="c-grid-scroll" tabindex="0" role="region" :aria-label="label">
        <table class="c-table">
          <thead>
            <tr>
              <th v-if="pick" class="c-th-pick" scope="col">
                <input type="checkbox" :checked="all" :aria-label="words.choose" @change="choose_all($event.target.checked)">
              </th>
              <th v-for="c in columns" :key="c.name" scope="col" :class="th(c)" :style="c.width ? {width: c.width} : null"
                  :aria-sort="sort === c.name ? (down ? 'descending' : 'ascending') : null">
                <button v-if="c.sort" type="button" class="c-th-sort" @click="$emit('sort', c.name)">
                  {{ c.label }}<i class="material-icons c-icon" aria-hidden="true">{{
                    sort === c.name ? (down ? 'arrow_downward' : 'arrow_upward') : 'unfold_more' }}</i>
                </button>
                <template v-else>{{ c.label }}</template>
              </th>
            </tr>
          </thead>
          <tbody>
            <tr v-for="r in rows" :key="r.id" :class="[r.tone ? 'c-row-' + r.tone : '', {'c-row-open': r.href || opens, 'c-row-strong': r.strong}]"
                @click="open(r, $event)">
              <td v-if="pick" class="c-td-pick"><input type="checkbox" :checked="picked.includes(r.id)"
                  :aria-label="words.choose" @change="choose(r.id, $event.target.checked)"></td>
              <td v-for="(c, n) in columns" :key="c.name" :class="th(c)">
                <template v-for="v in [r.cells[c.name]]">
                  <a v-if="n === 0 && r.href && plain(v)" :href="r.href" class="c-cell-open">{{ v }}</a>
                  <button v-else-if="n === 0 && opens && plain(v)" type="button" class="c-cell-open" @click.stop="$emit('row', r.id)">{{ v }}</button>
                  <template v-else-if="plain(v)">{{ v }}</template>
                  <span v-else-if="v.t === 'chip'" class="c-chip" :class="v.tone ? 'c-' + v.tone : ''">{{ v.text }}</span>
                  <span v-else-if="v.t === 'chips'" class="c-chips"><span v-for="i in v.items" class="c-chip" :class="i.tone ? 'c-' + i.tone : ''">{{ i.text }}</span></span>
                  <a v-else-if="v.t === 'link'" :href="v.href" @click.stop>{{ v.text }}</a>
                  <span v-else-if="v.t === 'two'" class="c-two-lines">
                    <a v-if="n === 0 && r.href" :href="r.href" class="c-cell-open">{{ v.text }}</a>
                    <button v-else-if="n === 0 && opens" type="button" class="c-cell-open" @click.stop="$emit('row', r.id)">{{ v.text }}</button>
                    <span v-else>{{ v.text }}</span><small>{{ v.sub }}</small></span>
                  <span v-else-if="v.t === 'bar'" class="c-cell-bar"><span class="c-meter"><span :style="{width: (v.share * 100) + '%'}"></span></span>{{ v.text }}</span>
                  <img v-else-if="v.t === 'image'" :src="v.src" :alt="v.alt" class="c-thumb" loading="lazy">
                  <span v-else-if="v.t === 'buttons'" class="c-cell-buttons">
                    <button v-for="b in v.items" type="button" class="c-mini" :class="b.tone ? 'c-mini-' + b.tone : ''"
                            :aria-label="b.icon ? b.text : null" :title="b.icon ? b.text : null" @click.stop="$emit('act', {row: r.id, act: b.act})">
                      <i v-if="b.icon" class="material-icons c-icon" aria-hidden="true">{{ b.icon }}</i><template v-else>{{ b.text }}</template>
                    </button></span>
                </template>
              </td>
            </tr>
          </tbody>
        </table>
      </div>
      <div v-if="range" class="c-pager">
        <span>{{ range }}</span>
        <button type="button" class="c-tool" :disabled="!before" :aria-label="words.previous" @click="$emit('turn', -1)"><i class="material-icons c-icon" aria-hidden="true">chevron_left</i></button>
        <button type="button" class="c-tool" :disabled="!after" :aria-label="words.next" @click="$emit('turn', 1)"><i class="material-icons c-icon" aria-hidden="true">chevron_right</i></button>
      </div>
    </div>`,
  props: {
    columns: Array,
    rows: Array,
    sort: String,
    down: Boolean,
    label: String,
    words: Object,
    range: String,
    before: Boolean,
    after: Boolean,
    opens: Boolean,
    pick: Boolean,
    picked: Array,
    busy: Boolean,
  },
  emits: ["sort", "row", "act", "turn", "pick"],
  computed: {
    all() {
      return this.rows.length > 0 && this.rows.every((r) => this.picked.includes(r.id));
    },
  },
  methods: {
    plain(value) {
      return value === null || value === undefined || typeof value !== "object";
    },
    th(column) {
      return [column.number ? "c-number" : "", column.wide ? "c-only-wide" : "", column.clip ? "c-clip" : "", column.whole ? "c-whole" : ""];
    },
    open(row, event) {
      if (event.target.closest("a, button, input") || String(getSelection())) return;
      if (row.href) event.ctrlKey || event.metaKey ? window.open(row.href) : (location.href = row.href);
      else if (this.opens) this.$emit("row", row.id);
    },
    choose(id, on) {
      this.$emit("pick", on ? [...this.picked, id] : this.picked.filter((one) => one !== id));
    },
    choose_all(on) {
      this.$emit("pick", on ? this.rows.map((r) => r.id) : []);
    },
  },
};
