// Says what is wrong with how the line is seen on the page that is open.
(async (link) => {
	const faults = [];
	const all = [...document.querySelectorAll("a")].filter(a => a.getAttribute("href") === link);
	if (all.length !== 1) return ["the link is there " + all.length + " times"];
	const a = all[0];
	if (a.href !== link) faults.push("the link leads to " + a.href);
	const box = a.closest("[role=contentinfo]") || a;

	// It is shown: every element around it is, and it can be pressed.
	const hides = (e) => {
		const s = getComputedStyle(e);
		return s.display === "none" || s.visibility !== "visible" || s.contentVisibility === "hidden" || +s.opacity < 0.5;
	};
	for (let e = a; e; e = e.parentElement) {
		if (getComputedStyle(e).display === "none" || +getComputedStyle(e).opacity < 0.5) faults.push("hidden by " + e.tagName);
	}
	if (hides(a)) faults.push("the link itself is hidden");
	a.scrollIntoView({block: "center", inline: "nearest"});
	const rects = [...a.getClientRects()];
	if (!rects.length) return faults.concat("it takes no room");
	const r = rects[0];
	if (r.width < 20 || r.height < 10) faults.push(`it is ${r.width} by ${r.height}`);
	if (parseFloat(getComputedStyle(a).fontSize) < 12) faults.push("its letters are of " + getComputedStyle(a).fontSize);
	if (r.left < 0 || r.right > Math.max(innerWidth, document.documentElement.scrollWidth) + 1) faults.push(`it is outside: ${r.left} to ${r.right}`);
	const edge = document.documentElement.clientWidth;
	if (r.left >= edge) faults.push("it is beyond the right edge of the screen");
	const hit = document.elementFromPoint(Math.min(r.left + r.width / 2, edge - 2), r.top + r.height / 2);
	if (!hit || !(a === hit || a.contains(hit))) faults.push("pressed is not the link but " + (hit ? hit.outerHTML.slice(0, 80) : "nothing"));
	if (!a.textContent.trim()) faults.push("it has no text");

	// Its colours differ (WCAG 2.2, 1.4.3).
	const colour = (text) => { const m = text.match(/[\d.]+/g).map(Number); return m.length < 4 ? m.concat(1) : m; };
	const light = (c) => c.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const c = colour(getComputedStyle(e).backgroundColor);
			if (c[3] === 1) return c;
		}
		return [255, 255, 255, 1];
	};
	for (const e of [a, ...box.querySelectorAll("p, p a")]) {
		const x = light(colour(getComputedStyle(e).color)), y = light(behind(e));
		const contrast = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
		if (contrast < 4.5) faults.push(`contrast of ${contrast.toFixed(1)} in ${e.tagName}`);
	}

	// Nothing that is read stands below it, but for what is taken out of the flow.
	const bottom = a.getBoundingClientRect().bottom;
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n = walker.nextNode(); n; n = walker.nextNode()) {
		if (!n.data.trim() || box.contains(n)) continue;
		const range = document.createRange();
		range.selectNodeContents(n);
		let shown = !hides(n.parentElement);
		let clip = Infinity;
		for (let e = n.parentElement; e && shown; e = e.parentElement) {
			const s = getComputedStyle(e);
			if (["absolute", "fixed"].includes(s.position) || s.display === "none" || +s.opacity < 0.1) shown = false;
			if (s.overflowY !== "visible" && e !== document.body && e !== document.documentElement) clip = Math.min(clip, e.getBoundingClientRect().bottom);
			if (e.checkVisibility && !e.checkVisibility()) shown = false;
		}
		const low = Math.max(...[...range.getClientRects()].filter(q => q.width > 0 && q.height > 0).map(q => q.bottom), -Infinity);
		if (shown && Math.min(low, clip) > bottom + 1) faults.push(`below it is ${JSON.stringify(n.data.trim().slice(0, 40))}: ${low} > ${bottom}`);
	}

	// The checker for accessibility finds nothing in it.
	if (window.axe) { // not on every screen
		const found = await axe.run(box, {resultTypes: ["violations"]});
		for (const v of found.violations) {
			for (const n of v.nodes) {
				const e = document.querySelector(n.target[0]);
				if (e && box.contains(e)) faults.push(`${v.id}: ${n.failureSummary}`);
			}
		}
	}
	return faults;
})
