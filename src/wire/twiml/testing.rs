//! TwiML is compared as XML, not as text.

/// What a document says, whatever way it is written: elements, attributes in order of name, texts
/// between them but for blank ones.
pub(crate) fn said(xml: &str) -> String {
    fn tell(node: roxmltree::Node<'_, '_>, into: &mut String) {
        let text = node
            .text()
            .filter(|text| node.is_text() && !text.trim().is_empty());
        if let Some(text) = text {
            into.push_str(&format!("{text:?}"));
        }
        if node.is_element() {
            let mut attributes: Vec<String> = node
                .attributes()
                .map(|a| format!(" {}={:?}", a.name(), a.value()))
                .collect();
            attributes.sort();
            into.push_str(&format!(
                "({}{}",
                node.tag_name().name(),
                attributes.concat()
            ));
            node.children().for_each(|child| tell(child, into));
            into.push(')');
        }
    }
    let document = roxmltree::Document::parse(xml).unwrap();
    let mut into = String::new();
    tell(document.root_element(), &mut into);
    into
}
