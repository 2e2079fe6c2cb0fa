// The columns of a sheet: what each is called, what stands in it, what it is taken for and how surely.
export default {
  template: `
    <div class="c-grid-scroll"><table class="c-table c-mapping">
      <caption class="c-unseen">{{ words.caption }}</caption>
      <thead><tr><th scope="col">{{ words.column }}</th><th scope="col">{{ words.examples }}</th>
        <th scope="col">{{ words.field }}</th><th scope="col">{{ words.sure }}</th></tr></thead>
      <tbody><tr v-for="c in columns" :key="c.column" :class="{'c-changed': c.changed}">
        <th scope="row"><b>{{ c.column }}</b> <span>{{ c.label }}</span></th>
        <td class="c-examples"><span v-for="(e, i) in c.examples" :key="i">{{ e }}</span></td>
        <td><select :value="c.field" :aria-label="words.field + ' ' + c.column"
              @change="$emit('change', {column: c.column, field: $event.target.value})">
          <option v-for="f in fields" :key="f.value" :value="f.value">{{ f.text }}</option></select></td>
        <td><span class="c-sure" :class="c.tone">{{ c.sure }}</span></td></tr></tbody>
    </table></div>`,
  props: { columns: Array, fields: Array, words: Object },
  emits: ["change"],
};
