// A part that refreshes itself waits while somebody reads an unfolded piece of it: <div hx-trigger="every 5s" data-pause-while-open>.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.matches?.("[data-pause-while-open]") && event.target.querySelector("details[open]")) event.preventDefault();
});

// Lines that people add to a form and take out of it again: Django formsets, whose numbering the server reads.
// <div x-data="rowset">{{ management_form }}<div x-ref="rows">[data-row]…</div><template x-ref="blank">…__prefix__…</template></div>
export default (Alpine) => {
  Alpine.data("rowset", () => ({
    add() {
      const total = this.$root.querySelector('input[name$="-TOTAL_FORMS"]');
      const holder = document.createElement("div");
      holder.innerHTML = this.$refs.blank.innerHTML.replaceAll("__prefix__", total.value);
      const row = holder.firstElementChild;
      this.$refs.rows.append(row);
      total.value = Number(total.value) + 1;
      row.querySelector("select, input")?.focus();
    },
    remove(event) {
      const row = event.target.closest("[data-row]");
      row.querySelector("[data-row-delete]").checked = true;
      row.hidden = true;
      this.$root.querySelector("button[type=button]:not([hidden] *)")?.focus();
    },
  }));
};
